/** Every case of fixtures/field/index.json: public configurations and bug reports, with the correct result. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from '../../cmd/program.ts'
import { readFacts } from '../../src/http.ts'
import { plan } from '../../src/plan/plan.ts'
import { nextSnapshot, nothingLoaded } from '../../src/plan/snapshot.ts'
import { type ReadRules, readRules } from '../../src/rule-file/read.ts'
import { identity, setup } from '../core.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/field/${name}`, import.meta.url), 'utf8')

interface Case {
  readonly file?: string
  readonly expect: string
  readonly request?: Readonly<Record<string, unknown>>
  readonly rules?: string
}
const cases: readonly Case[] = JSON.parse(fixture('index.json'))
const idOf = ({ file, request }: Case): string => file ?? JSON.stringify(request)

const check = (name: string, text = fixture(name)): ReadRules =>
  readRules(name, new TextEncoder().encode(text), 'cos')
const lines = ({ findings }: ReadRules): string[] =>
  findings.map(({ severity, code, message }) => `${severity} ${code}: ${message}`)
const codesIn = (name: string): string[] => check(name).findings.map(({ code }) => code)

const folder = mkdtempSync(join(tmpdir(), 'field-'))
afterAll(() => rmSync(folder, { recursive: true }))
let folders = 0

/** Runs `explain` on one rule file for the bucket `photos`. */
async function explain(name: string, argv: readonly string[], text = fixture(name), bucket = 'photos') {
  const rules = join(folder, String(folders++))
  const { mkdirSync } = await import('node:fs')
  mkdirSync(rules)
  writeFileSync(join(rules, `photos${name.slice(name.lastIndexOf('.'))}`), text)
  let [out, code] = ['', -1]
  const terminal = {
    out: (written: string) => {
      out += written
    },
    err: (written: string) => {
      out += written
    },
    setExitCode: (exitCode: number) => {
      code = exitCode
    },
    env: {},
    cwd: rules,
    colour: false,
  }
  const signals = { onTerminate: () => {}, onReload: () => {}, onExit: () => {} }
  await run(['explain', '--rules', '.', '--bucket', bucket, ...argv], terminal, signals)
  return { out, code }
}
const asking = (origin: string, method: string, ...headers: readonly string[]): string[] => [
  ...['--origin', origin, '--method', method],
  ...headers.flatMap((header) => ['--header', header]),
]

/** Expects one error that names the format and how to convert it. */
function isForeign(name: string, format: RegExp): void {
  const errors = check(name).findings.filter(({ severity }) => severity === 'error')
  expect(errors.map(({ code }) => code)).toEqual(['foreign-format'])
  expect(errors[0]?.message).toMatch(format)
  expect(errors[0]?.message).toContain('convert')
}

/** The header that an actual request from `origin` gets under a file's rules. */
function allowOriginFor(name: string, origin: string): string | undefined {
  const { content } = check(name)
  const loaded = { file: name, bucket: 'web', hash: '', content, findings: [] }
  const snapshot = nextSnapshot(nothingLoaded, [loaded], 'cos', 0)
  const facts = readFacts('GET', '/web/a', '1.1', ['Host', 'store.test', 'Origin', origin])
  const planned = plan(snapshot, setup, facts, identity)
  if (planned.act === 'answer') return undefined
  const at = planned.patch.add.indexOf('Access-Control-Allow-Origin')
  return at < 0 ? undefined : planned.patch.add[at + 1]
}

const gcs = /Google Cloud Storage/
const request = (fields: object): string => JSON.stringify(fields)
const app = 'https://app.example.com'

/** Cases of the data path, which test/proxy covers. */
const elsewhere: ReadonlySet<string> = new Set([
  request({
    method: 'PUT',
    body: '1 MB or 30 MB',
    store: 'answers 413 with Connection: close at once and closes while the body comes',
  }),
])

const holds: Readonly<Record<string, () => void | Promise<void>>> = {
  '32-gcs-firebase-no-header.json': () => isForeign('32-gcs-firebase-no-header.json', gcs),
  '36-gcs-bare-host.json': () => isForeign('36-gcs-bare-host.json', gcs),
  '38-gcs-two-sites-acao.json': () => isForeign('38-gcs-two-sites-acao.json', gcs),
  '04-gcs-json-named-xml.xml': () =>
    expect(lines(check('04-gcs-json-named-xml.xml'))).toEqual([
      expect.stringMatching(
        /^error foreign-format: the file is named \.xml and holds JSON, .*Google Cloud Storage: convert it with "cors-sidecar convert 04/,
      ),
    ]),
  '07-gcs-corsconfig.xml': () => isForeign('07-gcs-corsconfig.xml', gcs),
  '31-r2-wrangler-template.json': () => isForeign('31-r2-wrangler-template.json', /R2/),
  '45-r2-wrangler-no-headers.json': () => isForeign('45-r2-wrangler-no-headers.json', /R2/),
  '46-b2-native-download.json': () => isForeign('46-b2-native-download.json', /B2/),
  '05-two-rules-id-over-two-lines.xml': () =>
    expect(check('05-two-rules-id-over-two-lines.xml').content?.rules[0]?.id).toBe(
      'example.com: Allow PUT POST with AWS S3 JS SDK',
    ),
  '23-ossutil-get.json': () => expect(check('23-ossutil-get.json').content?.rules).toHaveLength(1),
  '82-cos-one-rule-not-in-a-list.json': () => {
    const read = check('82-cos-one-rule-not-in-a-list.json')
    if (read.content === undefined) expect(lines(read).join('\n')).toContain('put [ ] around it')
    else expect(read.content.rules).toHaveLength(1)
  },
  '51-minio-rules-singular.json': () =>
    expect(lines(check('51-minio-rules-singular.json')).join('\n')).toContain(
      '"Rules": did you mean CORSRules?',
    ),
  '55-sdk-call-parameters.json': () => {
    const read = check('55-sdk-call-parameters.json')
    if (read.content !== undefined) return expect(read.content.rules).toHaveLength(1)
    expect(lines(read).join('\n')).toContain(
      '"CORSConfiguration": put what is inside it at the top of the file',
    )
  },
  '59-placeholder-domain-upper.json': () => {
    const said = lines(check('59-placeholder-domain-upper.json')).join('\n')
    expect(said).toContain('error origin-placeholder')
    expect(said).not.toContain('your_app_domain')
  },
  '61-azure-cors-list.json': () => isForeign('61-azure-cors-list.json', /Azure/),
  '70-cloudformation.yaml': () => isForeign('70-cloudformation.yaml', /CloudFormation/),
  '73-cdk-props.json': () => isForeign('73-cdk-props.json', /CDK/),
  '74-terraform.tf': async () => {
    let said = ''
    const write = (text: string): void => {
      said += text
    }
    const terminal = { out: write, err: write, setExitCode: () => {}, env: {}, cwd: folder, colour: false }
    writeFileSync(join(folder, 'photos.tf'), fixture('74-terraform.tf'))
    const signals = { onTerminate: () => {}, onReload: () => {}, onExit: () => {} }
    await run(['check', 'photos.tf'], terminal, signals)
    expect(said).toMatch(/Terraform/)
  },
  '76-terraform-show.json': () => isForeign('76-terraform-show.json', /Terraform/),
  '80-snake-case.yaml': () => isForeign('80-snake-case.yaml', /Terraform/),
  '89-prefixed-namespace.xml': () => {
    const read = check('89-prefixed-namespace.xml')
    if (read.content === undefined) expect(lines(read).join('\n')).toContain('write it without a prefix')
    else expect(read.content.rules).toHaveLength(1)
  },
  '49-bucket-policy-named-cors.json': () =>
    expect(lines(check('49-bucket-policy-named-cors.json'))).toEqual([
      expect.stringMatching(/^error other-document: this is a bucket policy .* not a CORS configuration/),
    ]),
  '77-tf-open-zone.json': () => {
    const said = lines(check('77-tf-open-zone.json'))
    expect(said).toContainEqual(
      expect.stringMatching(/^warning origin-pattern-public-suffix: "\*\.amazonaws\.com"/),
    )
    expect(said).toContainEqual(
      expect.stringMatching(/^warning origin-pattern-without-scheme: "\*\.amazonaws\.com"/),
    )
  },
  '39-aws-cli-star-among-names.json': () =>
    expect(lines(check('39-aws-cli-star-among-names.json'))).toContainEqual(
      expect.stringMatching(/^warning origin-beside-any: .*without credentials/),
    ),
  '24-loomio-wildcard.xml': () => expect(codesIn('24-loomio-wildcard.xml')).not.toContain('etag-not-exposed'),
  '84-put-without-allowed-header.xml': () => {
    const { findings } = check('84-put-without-allowed-header.xml')
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'warning', code: 'content-type-not-allowed', line: 4 }),
    )
  },
  '85-five-methods-without-allowed-header.xml': () => {
    const { findings } = check('85-five-methods-without-allowed-header.xml')
    // Below PUT, which is the third method.
    for (const code of ['content-type-not-allowed', 'etag-not-exposed'])
      expect(findings).toContainEqual(expect.objectContaining({ severity: 'warning', code, line: 6 }))
  },
  '86-put-with-authorization-only.xml': () =>
    expect(codesIn('86-put-with-authorization-only.xml')).toEqual(
      expect.arrayContaining(['method-unsupported', 'content-type-not-allowed', 'etag-not-exposed']),
    ),
  '87-oss-without-user-agent.yaml': () =>
    expect(lines(check('87-oss-without-user-agent.yaml'))).toEqual([
      expect.stringMatching(/^warning oss-user-agent-missing: .*x-oss-user-agent/),
    ]),
  '90-preview-pattern-team.yaml': () => {
    const read = check('90-preview-pattern-team.yaml')
    expect(codesIn('90-preview-pattern-team.yaml')).toEqual(['origin-wildcard-not-on-label-boundary'])
    expect(lines(read).join('\n')).not.toContain('write "')
    expect(read.remedies).toEqual([])
  },
  '92-label-that-begins-with-hyphen.yaml': () =>
    expect(codesIn('92-label-that-begins-with-hyphen.yaml')).toEqual([
      'rule-never-matches',
      'origin-label-hyphen',
    ]),
  '93-schemeless-open-zone-accepted.yaml': () =>
    expect(codesIn('93-schemeless-open-zone-accepted.yaml')).toEqual(['origin-pattern-public-suffix']),
  '94-localhost-star-port-schemeless.yaml': () => {
    const said = lines(check('94-localhost-star-port-schemeless.yaml')).join('\n')
    expect(said).toContain('warning rule-never-matches')
    expect(said).toContain('write "http://localhost:*"')
    expect(said).not.toContain('matches http://')
  },
  '95-app-origins.yaml': () => expect(codesIn('95-app-origins.yaml')).toEqual([]),
  '96-electron-dot-host.yaml': () =>
    expect(allowOriginFor('96-electron-dot-host.yaml', 'app://.')).toBe('app://.'),
  '99-acao-among-allowed-headers.yaml': () =>
    expect(lines(check('99-acao-among-allowed-headers.yaml'))).toEqual([
      expect.stringMatching(/^info allowed-cors-header: .*is a response header/),
    ]),
  [request({ method: 'GET', origin: 'app://.' })]: () =>
    expect(allowOriginFor('any.yaml', 'app://.')).toBe('*'),
  [request({ method: 'GET', origin: 'file://' })]: () =>
    expect(allowOriginFor('any.yaml', 'file://')).toBe('*'),
  [request({ method: 'GET', origin: 'safari-web-extension://140BB581-A2C0-422A-9DD3-6982A5ABEE5E' })]: () =>
    expect(allowOriginFor('any.yaml', 'safari-web-extension://140BB581-A2C0-422A-9DD3-6982A5ABEE5E')).toBe(
      '*',
    ),
  [request({ command: 'explain', origin: `${app}:443`, method: 'GET' })]: async () => {
    const { out, code } = await explain('web.yaml', asking(`${app}:443`, 'GET'))
    expect(code).toBe(1)
    expect(out).toContain(`browsers omit the default port. They send ${app}, which rule web allows for GET`)
    expect(out).not.toContain('would allow the request')
  },
  [request({ command: 'explain', origin: 'app.example.com', method: 'GET' })]: async () => {
    const { out } = await explain('web.yaml', asking('app.example.com', 'GET'))
    expect(out).toContain('its scheme is missing')
    expect(out).not.toContain('would allow the request')
  },
  [request({ command: 'explain', origin: app, method: 'PUT', headers: ['content-type'] })]: async () => {
    const { out } = await explain('any.yaml', asking(app, 'PUT', 'content-type'))
    expect(out).toContain(`\n+  - allowedOrigins: ["${app}"]\n+    allowedMethods: [PUT]\n`)
    expect(out).not.toMatch(/^-(?!--)/m)
  },
  [request({
    command: 'explain',
    origin: app,
    method: 'PUT',
    headers: ['access-control-allow-origin', 'content-type'],
  })]: async () => {
    const name = '99-acao-among-allowed-headers.yaml'
    const text = fixture(name).replace(', Access-Control-Allow-Origin', '')
    const { out } = await explain(
      name,
      asking(app, 'PUT', 'access-control-allow-origin', 'content-type'),
      text,
    )
    expect(out).toContain(
      'access-control-allow-origin is a response header: remove it from the request in the page',
    )
    expect(out).not.toContain('would allow the request')
  },
  [request({
    command: 'explain',
    origin: 'http://localhost:8080',
    method: 'PUT',
    headers: ['content-length', 'origin'],
  })]: async () => {
    const asked = asking('http://localhost:8080', 'PUT', 'content-length', 'origin')
    const { out } = await explain('85-five-methods-without-allowed-header.xml', asked)
    expect(out).toContain('Browsers never ask for content-length, origin')
    expect(out).not.toContain('would allow the request')
  },
  [request({ command: 'explain', origin: app, method: 'put' })]: async () => {
    const { out, code } = await explain('web.yaml', asking(app, 'put'))
    expect(code).toBe(0)
    expect(out).toContain('allowed: matched')
  },
  [request({ command: 'explain', any: 'denied' })]: async () => {
    const asked = asking('http://localhost:8080', 'PUT', 'content-type')
    const { out } = await explain('85-five-methods-without-allowed-header.xml', asked)
    expect(out).toContain('\n+    <AllowedHeader>content-type</AllowedHeader>\n')
    expect(out).not.toContain('allowedHeaders:')
  },
  [request({ command: 'explain', bucket: '_service', origin: app, method: 'GET' })]: async () => {
    const { out, code } = await explain('any.yaml', asking(app, 'GET'), undefined, '_service')
    expect(code).toBe(1)
    expect(out).toContain('_service.yaml')
  },
  [request({ method: 'OPTIONS', path: '/web/', headers: [] })]: () => {
    const { content } = check('web.yaml', `dialect: http\n${fixture('web.yaml')}`)
    const loaded = { file: 'web.yaml', bucket: 'web', hash: '', content, findings: [] }
    const snapshot = nextSnapshot(nothingLoaded, [loaded], 'cos', 0)
    const facts = readFacts('OPTIONS', '/web/', '1.1', ['Host', 'store.test'])
    expect(plan(snapshot, setup, facts, identity).act).not.toBe('answer')
  },
  [request({ method: 'OPTIONS', acrm: 'PROPFIND', acrh: 'depth', origin: app })]: () => {
    const text = `dialect: http\n${fixture('web.yaml').replace('[GET,', '[PROPFIND, GET,')}`
    expect(check('web.yaml', text).content?.rules[0]?.allowedMethods).toContain('PROPFIND')
  },
  [request({ browser: 'page with COEP require-corp, <img> without crossorigin' })]: () =>
    expect(check('web.yaml', `resourcePolicy: cross-origin\n${fixture('web.yaml')}`).content).toBeDefined(),
}

describe('a public configuration or bug report', () => {
  test('has a test here, whichever of the 51 it is', () => {
    expect(cases).toHaveLength(51)
    const tested = new Set([...Object.keys(holds), ...elsewhere])
    expect(cases.map(idOf).filter((id) => !tested.has(id))).toEqual([])
  })

  for (const [id, assertion] of Object.entries(holds)) {
    const wanted = cases.find((one) => idOf(one) === id)?.expect ?? ''
    test(`${id}: ${wanted.slice(0, 90)}`, assertion)
  }
})
