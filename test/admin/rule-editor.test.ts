import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CheckedFile } from '../../src/admin/shapes.ts'
import { photosText, type RunningAdmin, rulesDirectory, startAdmin } from './running.ts'

const withTests = `# Owner: web team
${photosText}tests:
  - {origin: "https://example.com", method: GET, expect: allow}
`

async function start(): Promise<RunningAdmin & { readonly directory: string }> {
  const directory = rulesDirectory({ 'photos.yaml': withTests })
  return { ...(await startAdmin({ directory })), directory }
}

async function check({ call }: RunningAdmin, draft: object): Promise<CheckedFile> {
  const answered = await call('/-/check', { method: 'POST', body: JSON.stringify(draft) })
  expect(answered.status).toBe(200)
  return answered.json() as CheckedFile
}

describe('/-/file', () => {
  test('returns the whole text of a loaded file', async () => {
    const answered = await (await start()).call('/-/file?bucket=photos')
    expect(answered.json()).toEqual({ bucket: 'photos', file: 'photos.yaml', state: 'ok', text: withTests })
  })

  test.each([
    ['/-/file', 400],
    ['/-/file?bucket=videos', 404],
    ['/-/file?bucket=../photos', 404],
  ])('%s is answered with %i', async (path, status) => {
    expect((await (await start()).call(path)).status).toBe(status)
  })

  test('reports a file that can no longer be read', async () => {
    const { call } = await startAdmin({ directory: rulesDirectory({}) })
    expect((await call('/-/file?bucket=photos')).status).toBe(409)
  })
})

describe('/-/check', () => {
  test('returns the live file without a diff', async () => {
    const checked = await check(await start(), { file: 'photos.yaml', text: withTests })
    expect(checked).toMatchObject({ text: withTests, diff: '', isNew: false, others: ['tests'] })
    expect(checked.findings.filter(({ severity, byForm }) => severity === 'error' && !byForm)).toEqual([])
  })

  test('applies an edit to the text, returns the diff, and writes no file', async () => {
    const admin = await start()
    const edit = { kind: 'list', rule: 0, field: 'allowedMethods', values: ['GET', 'PUT', 'DELETE'] }
    const { text, diff } = await check(admin, { file: 'photos.yaml', text: withTests, edit })
    expect(text).toBe(withTests.replace('[GET, PUT]', '[GET, PUT, DELETE]'))
    expect(diff).toContain('-    allowedMethods: [GET, PUT]\n+    allowedMethods: [GET, PUT, DELETE]\n')
    expect(readFileSync(join(admin.directory, 'photos.yaml'), 'utf8')).toBe(withTests)
  })

  test('says which rule, field and entry a finding is about', async () => {
    const text = withTests.replace(
      '["https://example.com"]',
      '["https://example.com", "https://a.example/x"]',
    )
    const { findings } = await check(await start(), { file: 'photos.yaml', text })
    expect(findings.find(({ code }) => code === 'origin-has-path')).toMatchObject({
      rule: 0,
      field: 'allowedOrigins',
      entry: 1,
      quoted: '    allowedOrigins: ["https://example.com", "https://a.example/x"]',
    })
  })

  test('runs the tests in the file, and lints it', async () => {
    const text = withTests
      .replace('["https://example.com"]', '["*"]')
      .replace('expect: allow', 'expect: deny')
    const codes = (await check(await start(), { file: 'photos.yaml', text })).findings.map(({ code }) => code)
    expect(codes).toEqual(expect.arrayContaining(['write-methods-for-any-origin', 'test-failed']))
  })

  test('refuses in dialect cos what the form of the COS console refuses, although the file loads', async () => {
    const admin = await start()
    const refused = async (rest: string, head = ''): Promise<readonly unknown[]> => {
      const text = `${head}rules:\n  - allowedMethods: [GET, HEAD]\n    ${rest}\n`
      const { findings } = await check(admin, { file: 'photos.yaml', text })
      return findings
        .filter(({ severity }) => severity === 'error')
        .map(({ code, field, entry, byForm }) => [code, field, entry, byForm])
    }
    const origins = 'allowedOrigins: ["https://a.example"]'
    expect(await refused(`${origins}\n    maxAgeSeconds: 600`)).toEqual([])
    expect(await refused(origins)).toEqual([['form-max-age', 'maxAgeSeconds', undefined, true]])
    expect(await refused(`${origins}\n    maxAgeSeconds: 0`)).toEqual([
      ['maxage-zero', 'maxAgeSeconds', undefined, true],
    ])
    expect(await refused(`${origins}\n    maxAgeSeconds: 9\n    allowedHeaders: [a, x_y]`)).toEqual([
      ['header-underscore', 'allowedHeaders', 1, true],
    ])
    expect(await refused('allowedOrigins: [a.example]\n    maxAgeSeconds: 9')).toEqual(
      expect.arrayContaining([['origin-without-scheme', 'allowedOrigins', 0, true]]),
    )
    expect(await refused(origins, 'dialect: s3\n')).toEqual([])
    expect(await refused('maxAgeSeconds: 9')).toEqual([
      ['missing-key', 'allowedOrigins', undefined, undefined],
    ])
  })

  test('notes that * is not recommended', async () => {
    const text =
      'rules:\n  - allowedOrigins: ["*"]\n    allowedMethods: [GET, HEAD]\n    maxAgeSeconds: 600\n'
    const { findings } = await check(await start(), { file: 'photos.yaml', text })
    expect(findings).toMatchObject([
      {
        severity: 'info',
        field: 'allowedOrigins',
        entry: 0,
        message: expect.stringMatching(/^not recommended/),
      },
    ])
  })

  test('lists the fields of the file and of a rule that the form does not show', async () => {
    const text =
      'dialect: http\nrules:\n  - {allowedOrigins: ["https://a.example"], allowedMethods: [PROPFIND], allowCredentials: true}\n'
    const admin = await start()
    const { rules, others, form } = await check(admin, { file: 'photos.yaml', text })
    expect({ others, form, ofRule: rules?.[0]?.others }).toEqual({
      others: ['dialect'],
      form: { requiresMaxAge: false, otherMethods: true },
      ofRule: ['allowCredentials'],
    })
    const edit = { kind: 'list', rule: 0, field: 'allowedMethods', values: ['PROPFIND', 'GET'] }
    const edited = await check(admin, { file: 'photos.yaml', text, edit })
    expect(edited.text).toBe(text.replace('[PROPFIND]', '[PROPFIND, GET]'))
  })

  test('returns the values of a preset, which are not in the text', async () => {
    const text = 'rules:\n  - preset: presigned-upload\n    allowedOrigins: ["https://a.example"]\n'
    const { rules, isNew } = await check(await start(), { file: 'videos.yaml', text })
    expect(isNew).toBe(true)
    expect(rules).toMatchObject([
      {
        preset: 'presigned-upload',
        allowedMethods: null,
        fromPreset: { allowedMethods: ['PUT', 'POST', 'HEAD'] },
      },
    ])
  })

  test.each([
    'My Bucket!.yaml',
    '.yaml',
    '../x.yaml',
    `${'a'.repeat(64)}.yaml`,
  ])('the file %j has no name of a bucket', async (file) => {
    const { findings } = await check(await start(), { file, text: 'rules: []\n' })
    expect(findings[0]).toMatchObject({ severity: 'error', code: 'bucket-name', field: 'bucket' })
  })

  test('a file name cannot leave the rules directory', async () => {
    const admin = await start()
    const outside = await check(admin, {
      file: `../${admin.directory.split('/').at(-1)}/photos.yaml`,
      text: '',
    })
    expect(outside.isNew).toBe(true)
    expect(JSON.stringify(outside)).not.toContain('web team')
  })

  test.skipIf(process.platform === 'win32')(
    'a pipe in the rules directory does not block a request',
    async () => {
      const admin = await start()
      execFileSync('mkfifo', [join(admin.directory, 'pipe.yaml')])
      expect(await check(admin, { file: 'pipe.yaml', text: 'rules: []\n' })).toMatchObject({ isNew: true })
    },
  )

  test('a text that cannot be read has findings and no form', async () => {
    const checked = await check(await start(), { file: 'photos.yaml', text: 'rules: [' })
    expect(checked.rules).toBeUndefined()
    expect(checked.findings.length).toBeGreaterThan(0)
  })

  test.each([
    '',
    'x',
    '[]',
    '{}',
    '{"file":"a.yaml","text":"","more":1}',
    '{"file":"a.yaml","text":"","edit":{}}',
  ])('the body %j is refused', async (body) => {
    const refused = await (await start()).call('/-/check', { method: 'POST', body })
    expect(refused.status).toBe(400)
    expect(refused.json()).toEqual({ error: expect.stringContaining('The request is not valid') })
  })

  test('a body that is too long and a method other than POST are refused', async () => {
    const { call } = await start()
    expect((await call('/-/check', { method: 'POST', body: 'x'.repeat(200_000) })).status).toBe(413)
    expect((await call('/-/check')).status).toBe(405)
  })
})

test('/-/presets lists the presets of rules', async () => {
  const { call } = await startAdmin()
  expect((await call('/-/presets')).json()).toMatchObject({
    'aws-sdk-js-v3': { exposeHeaders: expect.arrayContaining(['ETag']) },
  })
})
