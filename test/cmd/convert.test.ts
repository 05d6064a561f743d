import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { addCheck } from '../../cmd/check.ts'
import { addConvert } from '../../cmd/convert.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { shapes } from '../rule-file/foreign/shapes.ts'
import { folderWith, runCommand } from './rule-commands.ts'

const convert = (folder: string, ...args: string[]) =>
  runCommand(addConvert, ['convert', ...args], { cwd: folder })

/** The input of the COS SDK, from its documentation. */
const cosSdk = `{"CORSRules": [{
  "AllowedOrigin": ["*"],
  "AllowedMethod": ["GET", "POST", "PUT", "DELETE", "HEAD"],
  "AllowedHeader": ["*"],
  "ExposeHeader": ["ETag", "x-cos-acl"],
  "MaxAgeSeconds": "5"
}]}
`

describe('convert', () => {
  test('writes the spelling of the COS SDK as our YAML', async () => {
    const outcome = await convert(folderWith({ 'cors.json': cosSdk }), 'cors.json', '--to', 'yaml')
    expect(outcome).toEqual({
      out: `rules:
  - allowedOrigins: ["*"]
    allowedMethods: [GET, POST, PUT, DELETE, HEAD]
    allowedHeaders: ["*"]
    exposeHeaders: [ETag, x-cos-acl]
    maxAgeSeconds: 5
`,
      err: '',
      code: 0,
    })
  })

  test('gives the same rules after a conversion through every format', async () => {
    const yaml = (await convert(folderWith({ 'a.json': cosSdk }), 'a.json', '--to', 'yaml')).out
    const xml = (await convert(folderWith({ 'a.yaml': yaml }), 'a.yaml', '--to', 'xml', '--dialect', 's3'))
      .out
    const json = (await convert(folderWith({ 'a.xml': xml }), 'a.xml', '--to', 'json')).out
    expect((await convert(folderWith({ 'a.json': json }), 'a.json', '--to', 'yaml')).out).toBe(yaml)
  })

  test('reports on stderr what the target cannot express', async () => {
    const text = `# ours\nrules:\n  - {preset: uppy-s3, allowedOrigins: ["https://a.com"]}\nmode: report\nhosts: [a.example]\nresponseVary: true\ntests: []\n`
    const folder = folderWith({ 'photos.yaml': text })
    const { err, code, out } = await convert(folder, 'photos.yaml', '--to', 'xml', '--dialect', 's3')
    expect(code).toBe(0)
    expect(out).toContain('<AllowedHeader>x-amz-security-token</AllowedHeader>')
    expect(err.split('\n')).toEqual([
      'note: mode is left out: a CORSConfiguration of s3 has no such field',
      'note: hosts is left out: a CORSConfiguration of s3 has no such field',
      'note: responseVary is left out: a CORSConfiguration of s3 has no such field',
      'note: rule 1: preset uppy-s3 is replaced by the fields it stands for',
      'note: comments are not converted',
      '',
    ])
  })

  test('writes the XML of the dialect that the file names, unless --dialect is given', async () => {
    const folder = folderWith({
      'a.yaml': 'dialect: s3\nrules:\n  - {allowedOrigins: ["*"], allowedMethods: [GET]}\n',
    })
    expect((await convert(folder, 'a.yaml', '--to', 'xml')).out).toContain('xmlns="http://s3.amazonaws.com')
    expect((await convert(folder, 'a.yaml', '--to', 'xml', '--dialect', 'cos')).out).toContain(
      "encoding='utf-8'",
    )
  })

  test('prints all errors of a file, and no output', async () => {
    const folder = folderWith({
      'a.yaml': 'rules:\n  - {allowedOrigins: ["https://A.com"], allowedMethods: [get]}\n',
    })
    const { out, err, code } = await convert(folder, 'a.yaml', '--to', 'json')
    expect({ out, code }).toEqual({ out: '', code: 1 })
    expect(err).toContain('a.yaml:2:23: error origin-upper-case')
    expect(err).toContain('a.yaml:2:58: error method-unsupported')
  })

  test('refuses to write a configuration that no vendor would store', async () => {
    const { out, err, code } = await convert(folderWith({ 'a.yaml': 'rules: []\n' }), 'a.yaml', '--to', 'xml')
    expect({ out, code }).toEqual({ out: '', code: 1 })
    expect(err).toContain('error: a CORSConfiguration needs at least one rule: to remove them all, delete')
  })

  test.each([
    ['JSON', ' [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]'],
    [
      'XML',
      '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>',
    ],
    ['YAML', '# ours\nrules:\n  - {allowedOrigins: ["*"], allowedMethods: [GET]}\n'],
  ])('reads %s of stdin by its content, and writes YAML', async (format, stdin) => {
    const { out, err, code } = await runCommand(addConvert, ['convert', '-'], { stdin })
    expect({ code, err }).toEqual({
      code: 0,
      err: format === 'YAML' ? 'note: comments are not converted\n' : '',
    })
    expect(out).toBe('rules:\n  - allowedOrigins: ["*"]\n    allowedMethods: [GET]\n')
  })

  test('reads stdin, or a file of any name, as --from says', async () => {
    const text = '{"CORSRules": [{"AllowedOrigins": ["https://A.com"], "AllowedMethods": ["GET"]}]}'
    const piped = await runCommand(addConvert, ['convert', '-', '--from', 'json'], { stdin: text })
    expect(piped).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('standard input:1:36: error origin-upper-case'),
    })
    const named = await convert(
      folderWith({ cors: text.replace('A.com', 'a.com') }),
      'cors',
      '--from',
      'json',
    )
    expect(named).toMatchObject({ code: 0, err: '' })
  })

  test.each(['cos', 'oss', 's3'])('writes the XML of %s with one element on each line', async (dialect) => {
    const { out } = await convert(
      folderWith({ 'a.json': cosSdk }),
      'a.json',
      '--to',
      'xml',
      '--dialect',
      dialect,
    )
    expect(out).toMatch(/\n[ \t]+<CORSRule>\n[ \t]+<AllowedOrigin>\*<\/AllowedOrigin>\n/)
  })

  test.each<[string, readonly string[], string]>([
    ['no file', ['--to', 'yaml'], "missing required argument 'FILE'"],
    ['another source', ['a.yaml', '--from', 'toml'], 'Allowed choices are yaml, json, xml, serverless'],
    ['another target', ['a.yaml', '--to', 'toml'], 'Allowed choices are yaml, json, xml'],
    ['a file that is not there', ['b.yaml', '--to', 'json'], 'b.yaml: cannot be read: it does not exist'],
    ['a directory', ['.'], 'cannot be read: it is a directory'],
  ])('with %s ends with 2', async (_, args, complaint) => {
    const { out, err, code } = await convert(folderWith({ 'a.yaml': 'rules: []\n', 'a.txt': '' }), ...args)
    expect({ out, code }).toEqual({ out: '', code: 2 })
    expect(err).toContain(complaint)
  })

  test('reads standard input, and YAML is what it writes unless another format is named', async () => {
    const input = '{"CORSRules": [{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}]}'
    const { out, code } = await runCommand(addConvert, ['convert', '-'], { stdin: input })
    expect(code).toBe(0)
    expect(out).toContain('allowedOrigins: ["https://a.example"]')
  })

  test('recognises another product, and reports each difference with its place', async () => {
    const input = '[\n  {"origin": ["https://a.example"], "method": ["GET", "OPTIONS"]}\n]\n'
    const { out, err, code } = await runCommand(addConvert, ['convert', '-'], { stdin: input })
    expect(code).toBe(0)
    expect(out).toContain('allowedMethods: [GET]')
    expect(err).toBe(
      'note: read as a configuration of Google Cloud Storage\nstandard input:2:55: note: OPTIONS is left out: preflights are always answered\n',
    )
  })

  test('an error in the given file is shown at its place there, and nothing is written', async () => {
    const folder = folderWith({ 'cors.json': '[{"origin": ["https://a.example/"],\n"method": ["GET"]}]\n' })
    const { out, err, code } = await convert(folder, 'cors.json', '--out', 'rules')
    expect({ out, code }).toEqual({ out: '', code: 1 })
    expect(err).toContain('cors.json:1:14: error origin-has-path')
    expect(existsSync(join(folder, 'rules'))).toBe(false)
  })

  const twoBuckets = JSON.stringify({
    values: {
      root_module: {
        resources: ['one', 'two'].map((bucket) => ({
          type: 'aws_s3_bucket_cors_configuration',
          values: {
            bucket,
            cors_rule: [{ allowed_origins: ['https://a.example'], allowed_methods: ['GET'] }],
          },
        })),
      },
    },
  })

  test('several buckets need --out, and the message names them', async () => {
    const { out, err, code } = await runCommand(addConvert, ['convert', '-'], { stdin: twoBuckets })
    expect({ out, code }).toEqual({ out: '', code: 2 })
    expect(err).toContain('the rules of 2 buckets (one, two): add --out DIR')
  })

  test('--out writes a file for each bucket, and leaves a file alone that exists', async () => {
    const folder = folderWith({ 'show.json': twoBuckets, 'rules/two.yaml': 'mine' })
    const { err, code } = await convert(folder, 'show.json', '--out', 'rules')
    expect(code).toBe(1)
    expect(err).toContain('wrote rules/one.yaml')
    expect(err).toContain('rules/two.yaml exists and was left alone')
    expect(readFileSync(join(folder, 'rules/one.yaml'), 'utf8')).toContain('https://a.example')
    expect(readFileSync(join(folder, 'rules/two.yaml'), 'utf8')).toBe('mine')
  })

  test('a bucket name that could leave the directory is refused', async () => {
    const input = twoBuckets.replace('"one"', '"../one"')
    const { err, code } = await runCommand(addConvert, ['convert', '-', '--out', 'x'], { stdin: input })
    expect(code).toBe(2)
    expect(err).toContain('"../one.yaml" cannot be the name of a rule file')
    expect(err).toMatch(/^standard input:\d+:\d+: note: "\.\.\/one" is not a bucket name: /m)
  })

  test('Terraform source is named, with the command that makes it readable', async () => {
    const text =
      'resource "aws_s3_bucket_cors_configuration" "files" {\n  cors_rule {\n    allowed_methods = ["GET"]\n  }\n}\n'
    const { out, err, code } = await convert(folderWith({ 'main.tf': text }), 'main.tf')
    expect({ out, code }).toEqual({ out: '', code: 1 })
    expect(err).toContain(
      'main.tf:1:1: error other-document: Terraform source is a program and cannot be read: run "terraform show -json" and convert its output\n',
    )
  })

  test.each([
    ['a name of its own first', 'locals {\n  x = 1\n}\n', 'Terraform source'],
    ['a comment first', '# buckets\nmodule "files" {\n  source = "./s3"\n}\n', 'Terraform source'],
    ['Terragrunt', 'inputs = {\n  cors_rule = []\n}\n', 'Terraform source'],
    ['CDK in TypeScript', "import * as s3 from 'aws-cdk-lib/aws-s3'\n", '"cdk synth --json"'],
    ['CDK in Python', 'from aws_cdk import aws_s3\n', '"cdk synth --json"'],
    ['a state without buckets', '{"format_version":"1.0","terraform_version":"1.9.0"}', 'Terraform state'],
    ['a template without rules', '{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}', 'CloudFormation template'],
    ['a Pulumi project', 'name: web\nruntime: yaml\nresources: {}\n', 'a Pulumi file'],
    ['serverless', 'service: web\nprovider: {name: aws}\n', 'Serverless Framework'],
    ['a bucket of B2', '{"bucketId":"1","bucketName":"b","corsRules":[]}', 'Backblaze B2 without CORS'],
    ['a bucket of Google', '{"kind":"storage#bucket","name":"b"}', 'Google Cloud Storage without CORS'],
  ])('%s is named in one finding', async (_, text, words) => {
    const { out, err, code } = await runCommand(addConvert, ['convert', '-'], { stdin: text })
    expect({ out, code }).toEqual({ out: '', code: 1 })
    expect(err.match(/ error /g)).toHaveLength(1)
    expect(err).toContain('error other-document: ')
    expect(err).toContain(words)
  })

  test('a file in place of the directory is named, and nothing is written', async () => {
    const folder = folderWith({ 'call.json': cosSdk, taken: 'x' })
    const { out, err, code } = await convert(folder, 'call.json', '--out', 'taken')
    expect({ out, err, code }).toEqual({
      out: '',
      err: 'error: --out taken: it is not a directory\n',
      code: 2,
    })
  })

  // Node's own recursive mkdir never returns here.
  test.runIf(existsSync('/proc/self'))('a directory that cannot be created is an error at once', async () => {
    const folder = folderWith({ 'call.json': cosSdk })
    for (const out of ['/proc/x', '/proc/x/y']) {
      const { err, code } = await convert(folder, 'call.json', '--out', out)
      expect({ err, code }).toEqual({
        err: `error: --out ${out}: no directory can be created there\n`,
        code: 2,
      })
    }
  })

  test('a directory is created with its parents', async () => {
    const folder = folderWith({ 'call.json': cosSdk })
    const { code } = await convert(folder, 'call.json', '--out', 'a/b/c')
    expect(code).toBe(0)
    expect(readdirSync(join(folder, 'a/b/c'))).not.toEqual([])
  })

  test('for an empty input the message suggests checking the command before the pipe', async () => {
    const { err, code } = await runCommand(addConvert, ['convert', '-'], { stdin: '\n' })
    expect({ err, code }).toEqual({
      err: 'error: standard input is empty: check that the command that writes it did not fail\n',
      code: 1,
    })
  })

  test('an SDK call names its bucket', async () => {
    const rule = { AllowedOrigin: ['https://a.example'], AllowedMethod: ['GET'] }
    const call = JSON.stringify({ Bucket: 'photos-1250000000', Region: 'ap-guangzhou', CORSRules: [rule] })
    const folder = folderWith({ 'call.json': call })
    const { err, code } = await convert(folder, 'call.json', '--out', 'rules')
    expect({ err, code }).toEqual({ err: 'wrote rules/photos-1250000000.yaml\n', code: 0 })
  })

  test('a format named by --from is the only one that is tried', async () => {
    const { err, code } = await runCommand(addConvert, ['convert', '-', '--from', 'b2'], {
      stdin: twoBuckets,
    })
    expect(code).toBe(1)
    expect(err).toContain('contains no CORS configuration in the format b2')
  })

  test('--help has an example', async () => {
    expect((await convert('/', '--help')).out).toContain('cors-sidecar convert cors.json > rules/photos.yaml')
  })
})

const rules = fileURLToPath(new URL('../../rules/', import.meta.url))

test.each(
  readdirSync(rules).filter((name) => name.endsWith('.yaml')),
)('the example %s says the same after it was converted', async (name) => {
  const contentOf = (file: string, text: string) =>
    readRules(file, new TextEncoder().encode(text), 'cos').content
  const before = contentOf(name, readFileSync(`${rules}${name}`, 'utf8'))
  expect(before).toBeDefined()
  for (const to of ['yaml', 'json']) {
    const { out, code } = await convert(rules, name, '--to', to)
    expect(code).toBe(0)
    expect(contentOf(`a.${to}`, out)).toEqual(before)
  }
})

describe('the command that foreign-format gives', () => {
  const whole = shapes.filter(({ buckets }) => buckets.every(({ errors = [] }) => errors.length === 0))

  test.each(whole)('turns $format: $about into files without an error', async ({ text }) => {
    const name = text.startsWith('<') ? 'one.xml' : /^[[{]/.test(text) ? 'one.json' : 'one.yaml'
    const folder = folderWith({ [`rules/${name}`]: text })
    const found = await runCommand(addCheck, ['check', 'rules'], { cwd: folder })
    const [, command = ''] = /foreign-format: .*"cors-sidecar ([^"]+)"/.exec(found.err + found.out) ?? []
    const { code } = await runCommand(addConvert, command.split(' '), { cwd: folder })
    expect(code).toBe(0)
    rmSync(join(folder, 'rules', name))
    const { err } = await runCommand(addCheck, ['check', 'rules'], { cwd: folder })
    expect(err).toMatch(/^[1-9]\d* rule files?, [1-9]\d* rules?, .* 0 errors,/m)
  })
})
