import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { addCheck } from '../../cmd/check.ts'
import { presetNames, presets } from '../../src/cors/presets.ts'
import { codes } from '../../src/rule-file/lint/codes.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { folderWith, runCommand } from './rule-commands.ts'

const clean = 'rules:\n  - allowedOrigins: ["https://a.com"]\n    allowedMethods: [GET, HEAD]\n'
const warned = clean.replace('https://a.com', 'http://a.com')
const remarked = clean.replace(', HEAD', '')
const broken = clean.replace('https://a.com', 'https://A.com')

const check = (folder: string, ...args: string[]) => runCommand(addCheck, ['check', ...args], { cwd: folder })

describe('the exit code', () => {
  test.each<[string, string, readonly string[], number]>([
    ['clean', clean, [], 0],
    ['clean, strictly', clean, ['--strict'], 0],
    ['with an info, strictly', remarked, ['--strict'], 0],
    ['with a warning', warned, [], 0],
    ['with a warning, strictly', warned, ['--strict'], 1],
    ['with an error', broken, [], 1],
    ['with an error, strictly', broken, ['--strict'], 1],
    ['empty', '', [], 1],
  ])('of a file %s', async (_, text, flags, code) => {
    const folder = folderWith({ 'photos.yaml': text })
    expect((await check(folder, ...flags, 'photos.yaml')).code).toBe(code)
    expect((await check(folder, ...flags, '.')).code).toBe(code)
  })

  test.each<[string, readonly string[], string]>([
    ['without a path where there is no ./rules', [], 'rules: it does not exist'],
    ['for a path that is not there', ['missing.yaml'], 'missing.yaml: it does not exist'],
    ['for a name that is no rule file', ['notes.txt'], 'notes.txt: not the name of a rule file'],
    ['for a name without an extension', ['photos'], 'photos: no extension, so not read'],
    [
      'for an extension in upper case',
      ['PHOTOS.YAML'],
      'PHOTOS.YAML: not read: write the extension as .yaml',
    ],
    ['for an unknown option', ['--stict', 'photos.yaml'], '--strict'],
    ['for an unknown format', ['--format', 'xml', 'photos.yaml'], 'Allowed choices are text, json, github'],
    ['for an unknown dialect', ['--dialect', 'minio', 'photos.yaml'], 'Allowed choices are cos, oss, s3'],
    ['for an unknown code', ['--explain', 'origin-has-pat'], 'did you mean origin-has-path?'],
  ])('%s is 2', async (_, args, complaint) => {
    const files = { 'photos.yaml': clean, 'notes.txt': '', photos: clean, 'PHOTOS.YAML': clean }
    const outcome = await check(folderWith(files), ...args)
    expect(outcome.code).toBe(2)
    expect(outcome.err).toContain(complaint)
  })

  test('is that of ./rules if no path is given', async () => {
    const { code, err } = await check(folderWith({ 'rules/photos.yaml': clean }))
    expect({ code, err }).toEqual({
      code: 0,
      err: '1 rule file, 1 rule, 0 tests: 0 errors, 0 warnings, 0 infos\n',
    })
  })

  test.each(['S3', 's3', 'Cos'])('takes --dialect %s in any case', async (name) => {
    expect((await check(folderWith({ 'photos.yaml': clean }), '--dialect', name, '.')).code).toBe(0)
  })

  test('is 2 if a file cannot be read, and the other files are checked', async () => {
    const folder = folderWith({ 'photos.yaml': broken })
    const outcome = await check(folder, '--format', 'json', 'missing.yaml', 'photos.yaml')
    expect(outcome.code).toBe(2)
    expect(JSON.parse(outcome.out)).toMatchObject([{ file: 'photos.yaml', code: 'origin-upper-case' }])
  })
})

describe('text', () => {
  test('shows file, line, column, severity, code and message, and underlines the place', async () => {
    const outcome = await check(folderWith({ 'photos.yaml': broken }), 'photos.yaml')
    expect(outcome.out).toBe(
      `photos.yaml:2:22: error origin-upper-case: "https://A.com" can never match: browsers send lower case; write "https://a.com"
    - allowedOrigins: ["https://A.com"]
                       ^^^^^^^^^^^^^^^
`,
    )
    expect(outcome.err).toBe('1 rule file, 0 rules, 0 tests: 1 error, 0 warnings, 0 infos\n')
  })

  test('colours place, severity and underline, and only on a terminal', async () => {
    const folder = folderWith({ 'photos.yaml': broken })
    const { out } = await runCommand(addCheck, ['check', 'photos.yaml'], { cwd: folder, colour: true })
    const [head = '', , mark] = out.split('\n')
    expect(head).toContain('\u001b[1mphotos.yaml:2:22:\u001b[0m \u001b[31merror\u001b[0m ')
    expect(head.replaceAll(/\u001b\[\d+m/g, '')).toMatch(/^photos\.yaml:2:22: error origin-upper-case: /)
    expect(mark).toContain('\u001b[31m')
    expect((await check(folder, 'photos.yaml')).out).not.toContain('\u001b')
  })

  /** The characters of the source line above the mark; a wide one takes two columns. */
  async function marked(text: string): Promise<string> {
    const { out } = await check(folderWith({ 'photos.yaml': text }), 'photos.yaml')
    const [, source = '', mark = ''] = out.split('\n')
    const places = [...source].flatMap((character) =>
      /[\u2e80-\u9fff\uff00-\uff60]|[^\0-\uffff]/u.test(character) ? [character, ''] : [character],
    )
    const markPlaces = [...mark].flatMap((character) => (character === '\u3000' ? ['', ''] : [character]))
    return places.slice(markPlaces.indexOf('^'), markPlaces.lastIndexOf('^') + 1).join('')
  }

  test.each<[string, string, string]>([
    ['a value', clean.replace('https://a.com', 'https://A.com'), '"https://A.com"'],
    ['a whole list', remarked, '[GET]'],
    ['a comment', `# cors-sidecar: allow head-missing\n${clean}`, '# cors-sidecar: allow head-missing'],
    [
      'a value behind wide characters',
      'rules:\n  - {id: "上传，😀", allowedOrigins: ["https://A.com"], allowedMethods: [GET, HEAD]}\n',
      '"https://A.com"',
    ],
    [
      'a value of wide characters',
      clean.replace('"https://a.com"', '"https://网站.com", "https://b.com"'),
      '"https://网站.com"',
    ],
  ])('underlines %s', async (_, text, expected) => {
    expect(await marked(text)).toBe(expected)
  })

  test('marks the end of a line where something is missing there', async () => {
    const { out } = await check(folderWith({ 'photos.yaml': clean.trimEnd() }), 'photos.yaml')
    const [, source = '', mark = ''] = out.split('\n')
    expect(mark).toBe(`${' '.repeat(source.length)}^`)
  })

  test('shows a line that ends with CRLF like any other', async () => {
    const outcome = await check(folderWith({ 'photos.yaml': broken.replaceAll('\n', '\r\n') }), 'photos.yaml')
    expect(outcome.out.split('\n')[1]).toBe('    - allowedOrigins: ["https://A.com"]')
  })

  test('escapes every character of a file that could move the cursor', async () => {
    const text = `rules:\n  - {id: "\u202e\u009b2J", allowedOrigins: ["https://a.com\u2028"], allowedMethods: [GET], \t x: 1}\n`
    const { out } = await check(folderWith({ 'photos.yaml': text }), 'photos.yaml')
    expect(out).not.toMatch(/[^\n\P{C}]|[\u2028\u2029]/u)
    expect(out.match(/^photos/gm)).toHaveLength(3)
  })

  test('shows the part of a long line around the place', async () => {
    const origins = [...Array.from({ length: 50 }, (_, i) => `"https://${i}.example.com"`), '"https://A.com"']
    const text = `rules:\n  - {allowedOrigins: [${origins.join(', ')}], allowedMethods: [GET, HEAD]}\n`
    const [, source = '', mark = ''] = (
      await check(folderWith({ 'photos.yaml': text }), 'photos.yaml')
    ).out.split('\n')
    expect(source.length).toBeLessThan(130)
    expect(source.slice(mark.indexOf('^'), mark.lastIndexOf('^') + 1)).toBe('"https://A.com"')
  })
})

describe('json', () => {
  test('is one sorted array of findings on stdout, empty when there is none', async () => {
    const folder = folderWith({
      'b.yaml': broken,
      'a.yaml': warned.replace('HEAD', 'PATCH'),
      'c.yaml': clean,
    })
    const outcome = await check(folder, '--format', 'json', '.')
    const findings: unknown = JSON.parse(outcome.out)
    expect(findings).toEqual([
      {
        file: 'a.yaml',
        line: 2,
        column: 22,
        severity: 'warning',
        code: 'origin-insecure-with-credentials',
        message: expect.any(String),
      },
      {
        file: 'a.yaml',
        line: 3,
        column: 27,
        severity: 'error',
        code: 'method-unsupported',
        message: expect.any(String),
      },
      {
        file: 'b.yaml',
        line: 2,
        column: 22,
        severity: 'error',
        code: 'origin-upper-case',
        message: expect.any(String),
      },
    ])
    expect(outcome.err).toBe('3 rule files, 1 rule, 0 tests: 2 errors, 1 warning, 0 infos\n')
    expect(JSON.parse((await check(folder, '--format', 'json', 'c.yaml')).out)).toEqual([])
  })
})

describe('github', () => {
  test('is one workflow command for each finding, with everything escaped', async () => {
    const folder = folderWith({ 'a,b:c/photos.yaml': broken, 'other.yaml': remarked, 'third.yaml': warned })
    const { out } = await check(folder, '--format', 'github', 'a,b:c/photos.yaml', 'other.yaml', 'third.yaml')
    expect(out.split('\n')).toEqual([
      '::error file=a%2Cb%3Ac/photos.yaml,line=2,col=22,title=origin-upper-case::"https://A.com" can never match: browsers send lower case; write "https://a.com"',
      expect.stringMatching(
        /^::notice file=other\.yaml,line=3,col=21,title=head-missing::GET is allowed but HEAD is not/,
      ),
      expect.stringMatching(
        /^::warning file=third\.yaml,line=2,col=22,title=origin-insecure-with-credentials::/,
      ),
      '',
    ])
  })
})

describe('a directory', () => {
  const brief = (out: string): string[] =>
    (JSON.parse(out) as { file: string; severity: string; code: string }[]).map(
      ({ file, severity, code }) => `${file} ${severity} ${code}`,
    )

  test('is read with the same rules as by serve', async () => {
    const folder = folderWith({
      'photos.yaml': clean,
      '_default.yml': clean,
      '_service.json': JSON.stringify([{ AllowedOrigins: ['https://a.com'], AllowedMethods: ['HEAD'] }]),
      '.hidden.yaml': broken,
      '..data/photos.yaml': broken,
      'deeper/photos.yaml': broken,
      'lost+found/x': '',
      'backup.yaml~': broken,
      'photos.yaml.swp': broken,
      'photos.yaml.tmp': broken,
      'README.md': '# rules',
    })
    expect(brief((await check(folder, '--format', 'json', '.')).out)).toEqual([])
  })

  test('reports names that were probably meant to be rule files', async () => {
    const folder = folderWith({
      'UPPER.YAML': clean,
      noext: clean,
      'my photos.yaml': clean,
      '-x.json': '[]',
      '_other.yaml': clean,
    })
    const outcome = await check(folder, '--format', 'json', '.')
    expect(brief(outcome.out)).toEqual([
      '-x.json error bucket-name',
      'UPPER.YAML warning file-name',
      '_other.yaml error bucket-name',
      'my photos.yaml error bucket-name',
      'noext warning file-name',
    ])
    expect(outcome.code).toBe(1)
  })

  test('without rule files is a warning', async () => {
    const outcome = await check(folderWith({ 'README.md': '' }), '--format', 'json', '--strict', '.')
    expect(brief(outcome.out)).toEqual(['. warning no-rule-files'])
    expect(outcome.code).toBe(1)
  })

  test('with two files for one bucket, or one host in two files, has errors on both', async () => {
    const accepted = '# cors-sidecar: allow host-mapping because the store maps it\n'
    const hosts = (name: string): string => `${clean}${accepted}hosts: [other.example, ${name}]\n`
    const folder = folderWith({
      'photos.yaml': clean,
      'photos.json': JSON.stringify([{ AllowedOrigins: ['https://a.com'], AllowedMethods: ['HEAD'] }]),
      'a.yaml': hosts('Assets.example'),
      'b.yaml': `${clean}${accepted}hosts: [assets.example]\n`,
    })
    const outcome = await check(folder, '--format', 'json', '.')
    expect(JSON.parse(outcome.out)).toMatchObject([
      { file: 'a.yaml', line: 5, column: 24, code: 'duplicate-host' },
      { file: 'b.yaml', line: 5, column: 9, code: 'duplicate-host' },
      { file: 'photos.json', line: 1, column: 1, code: 'duplicate-bucket' },
      { file: 'photos.yaml', line: 1, column: 1, code: 'duplicate-bucket' },
    ])
  })

  test('may have the same bucket as another directory, such as one for each stage', async () => {
    const folder = folderWith({ 'dev/photos.yaml': clean, 'prod/photos.yaml': clean })
    expect((await check(folder, 'dev', 'prod')).code).toBe(0)
  })

  test('is read once if a file in it is named as well', async () => {
    const outcome = await check(folderWith({ 'photos.yaml': broken }), '--format', 'json', '.', 'photos.yaml')
    expect(JSON.parse(outcome.out)).toHaveLength(1)
  })

  test('with a pipe in it does not block', async () => {
    const folder = folderWith({ 'photos.yaml': clean })
    execFileSync('mkfifo', [join(folder, 'pipe.yaml')])
    const outcome = await check(folder, '--format', 'json', '.')
    expect(brief(outcome.out)).toEqual(['pipe.yaml error file-unreadable'])
    expect(outcome.code).toBe(2)
  })
})

test('a file beyond the size limit is not read to its end', async () => {
  const folder = folderWith({ 'large.yaml': `# ${'x'.repeat(3_000_000)}\n` })
  const outcome = await check(folder, '--format', 'json', 'large.yaml')
  expect(JSON.parse(outcome.out)).toMatchObject([
    { code: 'file-too-large', message: expect.stringContaining('at least 131073 bytes') },
  ])
})

test('the dialect of the command line applies to files that name none', async () => {
  const many = `rules:\n${'  - {allowedOrigins: ["https://a.com"], allowedMethods: [GET]}\n'.repeat(21)}`
  const folder = folderWith({ 'photos.yaml': many, 'own.yaml': `${many}dialect: s3\n` })
  expect((await check(folder, '--dialect', 's3', 'photos.yaml')).code).toBe(0)
  expect((await check(folder, '--dialect', 'oss', 'photos.yaml')).code).toBe(1)
  expect((await check(folder, '--dialect', 'oss', 'own.yaml')).code).toBe(0)
})

test.each(Object.keys(codes))('--explain %s says what it means', async (code) => {
  const outcome = await check('/', '--explain', code)
  expect(outcome).toMatchObject({ code: 0, err: '' })
  expect(outcome.out).toContain(code)
})

test('--help has an example', async () => {
  const { out, code } = await check('/', '--help')
  expect(code).toBe(0)
  expect(out).toContain('cors-sidecar check --strict rules')
})

describe('the example rule files', () => {
  const project = fileURLToPath(new URL('../..', import.meta.url))

  test.each(['rules', 'rules/presets'])('in %s are clean, strictly, and their tests hold', async (folder) => {
    expect(await check(project, '--strict', folder)).toMatchObject({ out: '', code: 0 })
  })

  test.each(['README.md', 'rules/README.md'])('in %s also pass check --strict', async (document) => {
    const blocks = readFileSync(join(project, document), 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)
    const files = Object.fromEntries(Array.from(blocks, ([, text = ''], n) => [`example-${n}.yaml`, text]))
    expect(Object.keys(files)).not.toEqual([])
    expect(await check(folderWith(files), '--strict', '.')).toMatchObject({ out: '', code: 0 })
  })

  test.each(presetNames)('in rules/presets write out the preset %s', (name) => {
    const { content } = readRules(name, readFileSync(join(project, 'rules/presets', `${name}.yaml`)), 'cos')
    const { purpose, ...fields } = presets[name]
    expect(content?.rules).toEqual([{ id: name, allowedOrigins: ['https://app.example.com'], ...fields }])
    expect(readFileSync(join(project, 'rules/presets', `${name}.yaml`), 'utf8')).toContain(purpose)
  })
})
