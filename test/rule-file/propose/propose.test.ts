import { applyPatch } from 'diff'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { vendorMatching } from '../../../src/cors/rule.ts'
import { isOpenOrigin } from '../../../src/rule-file/lint/lint-origin.ts'
import type { AskedRequest } from '../../../src/rule-file/propose/asked.ts'
import { changedLine } from '../../../src/rule-file/propose/diff.ts'
import { added, adviceFor, allows } from '../../../src/rule-file/propose/propose.ts'
import { type ReadRules, readRules } from '../../../src/rule-file/read.ts'

const preflight = (origin: string, method: string, ...headers: readonly string[]): AskedRequest => ({
  origin,
  method,
  headers,
  kind: 'preflight',
})
const actual = (origin: string, method: string): AskedRequest => ({
  origin,
  method,
  headers: [],
  kind: 'actual',
})

const read = (file: string, text: string): ReadRules => readRules(file, new TextEncoder().encode(text), 'cos')
const advice = (file: string, text: string | undefined, ...requests: readonly AskedRequest[]) =>
  adviceFor({ file, text, dialect: 'cos', requests })

/** Rule files in every format, with presets, patterns, comments, aliases and several rules. */
const files: Readonly<Record<string, string>> = {
  'commented.yaml': `# The photos of the site.
rules:
  # Readers
  - id: readers   # everyone
    allowedOrigins: ["*"]
    allowedMethods: [GET, HEAD]
    allowedHeaders: [range]

  # Writers
  - id: writers
    allowedOrigins:
      - https://app.example.com   # production
      - https://staging.example.com
    allowedMethods: [GET, HEAD, PUT, POST]
    allowedHeaders: [content-type]   # uploads
    exposeHeaders: [ETag]
    maxAgeSeconds: 600
tests:
  - {origin: "https://evil.example", method: PUT, expect: deny}
`,
  'preset.yaml':
    'rules:\n  - id: up\n    preset: presigned-upload\n    allowedOrigins: ["https://app.example.com"]\n',
  'flow.yaml': "rules: [{id: a, allowedOrigins: ['https://app.example.com'], allowedMethods: [GET, HEAD]}]\n",
  'flow-items.yaml':
    'rules:\n  - {preset: range-read, allowedOrigins: ["https://*.example.com"]}\n  - {allowedOrigins: ["https://other.example.org"], allowedMethods: [DELETE]}\n',
  'aliases.yaml': `rules:
  - allowedOrigins: &ours ["https://app.example.com"]
    allowedMethods: [GET, HEAD]
    allowedHeaders: &names [range]
  - allowedOrigins: *ours
    allowedMethods: [DELETE]
    allowedHeaders: *names
`,
  'multi-line.yaml': `rules:
  - allowedOrigins: [
      "https://app.example.com", # production
      "https://b.example.com" # staging
    ]
    allowedMethods: [
      GET,
      HEAD,
    ]
`,
  'crlf.yaml':
    'rules:\r\n  - allowedOrigins:\r\n      - "https://app.example.com"\r\n    allowedMethods: [GET, HEAD]\r\n',
  'empty.yaml': '# none yet\nrules: []\n',
  'list.yaml': '- allowedOrigins: ["https://app.example.com"]\n  allowedMethods: [GET, HEAD]\n',
  'aws.json': `${JSON.stringify({ CORSRules: [{ AllowedOrigins: ['https://app.example.com'], AllowedMethods: ['GET', 'HEAD'], AllowedHeaders: ['range'] }] }, null, 4)}\n`,
  'console.json': `[\n  {\n    "AllowedHeaders": ["*"],\n    "AllowedMethods": ["GET", "HEAD"],\n    "AllowedOrigins": ["*"],\n    "ExposeHeaders": []\n  }\n]\n`,
  'compact.json':
    '{"rules":[{"allowedOrigins":["https://app.example.com"],"allowedMethods":["GET","HEAD"]}]}',
  'empty.json': '{\n  "CORSRules": []\n}\n',
  'singular.json':
    '{"CORSRules": [{"AllowedOrigin": "https://app.example.com", "AllowedMethod": ["GET", "HEAD"]}]}\n',
  'lines.xml': `<?xml version="1.0" encoding="UTF-8"?>
<CORSConfiguration>
  <!-- readers -->
  <CORSRule>
    <AllowedOrigin>https://app.example.com</AllowedOrigin>
    <AllowedMethod>GET</AllowedMethod>
    <AllowedMethod>HEAD</AllowedMethod>
    <MaxAgeSeconds>600</MaxAgeSeconds>
  </CORSRule>
</CORSConfiguration>
`,
  'prefix.xml': `<?xml version="1.0"?>
<s3:CORSConfiguration xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/">
  <s3:CORSRule>
    <s3:AllowedOrigin>https://app.example.com</s3:AllowedOrigin>
    <s3:AllowedMethod>GET</s3:AllowedMethod>
    <s3:AllowedMethod>HEAD</s3:AllowedMethod>
  </s3:CORSRule>
</s3:CORSConfiguration>
`,
  'one-line.xml':
    '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod></CORSRule></CORSConfiguration>',
}

const origins = [
  'https://app.example.com',
  'https://new.example.net',
  'https://x.example.com:8443',
  'http://localhost:5173',
]
const asks: readonly (readonly [string, readonly string[]])[] = [
  ['GET', []],
  ['HEAD', ['range']],
  ['PUT', []],
  ['PUT', ['content-type']],
  ['PUT', ['x-amz-date', 'authorization']],
  ['PUT', ['x-oss-date', 'content-type']],
  ['POST', ['content-type', 'x-requested-with']],
  ['DELETE', ['authorization']],
]

/** Requirements of every proposal, for any request. */
function expectGood(file: string, text: string | undefined, requests: readonly AskedRequest[]): void {
  const { proposal, hint } = advice(file, text, ...requests)
  expect(hint).toBeUndefined()
  if (proposal === undefined)
    throw new Error(`nothing is proposed for ${file} and ${JSON.stringify(requests)}`)
  expect(proposal.file).toBe(file)
  const before = text === undefined ? undefined : read(file, text)
  const after = read(file, proposal.text)
  expect(after.content).toBeDefined()
  expect(added(before?.findings ?? [], after.findings)).toBeUndefined()
  for (const request of requests)
    if (after.content !== undefined) expect(allows(after.content, request, vendorMatching)).toBe(true)
  // A rule that is open to everyone stays unchanged.
  const open = (content: ReadRules['content']): string[] =>
    (content?.rules ?? [])
      .filter(({ allowedOrigins }) => allowedOrigins.some(isOpenOrigin))
      .map((rule) => JSON.stringify(rule))
  expect(open(after.content)).toEqual(open(before?.content))
  // Everything allowed before stays allowed, and tests, comments and presets stay.
  expect(after.content?.tests ?? []).toEqual(before?.content?.tests ?? [])
  for (const comment of (text ?? '').matchAll(/#.*|<!--.*-->|preset: \S+/g))
    expect(proposal.text).toContain(comment[0].trimEnd())
  // The diff produces the file.
  expect(applyPatch(text ?? '', proposal.diff, { autoConvertLineEndings: false })).toBe(proposal.text)
  expect(changedLine(proposal.diff)).toBeLessThanOrEqual((text ?? '').split('\n').length)
}

describe('a proposal', () => {
  const refused = Object.entries(files).flatMap(([file, text]) =>
    origins.flatMap((origin) =>
      asks
        .map(([method, headers]) => preflight(origin, method, ...headers))
        .filter((request) => {
          const { content } = read(file, text)
          return content === undefined || !allows(content, request, vendorMatching)
        })
        .map((request) => ({ file, text, request })),
    ),
  )

  test.each(
    Object.keys(files),
  )('for %s passes the checker, allows the request and keeps the rest', (name) => {
    const mine = refused.filter(({ file }) => file === name)
    expect(mine.length).toBeGreaterThan(10)
    for (const { file, text, request } of mine) expectGood(file, text, [request])
  })

  test('holds in more than 500 combinations, for groups and for buckets without a file', () => {
    let count = refused.length
    for (const [file, text] of Object.entries(files))
      for (const origin of origins) {
        const group = [
          ...asks.map(([method, headers]) => preflight(origin, method, ...headers)),
          actual(origin, 'GET'),
        ]
        expectGood(file, text, group)
        count++
      }
    for (const origin of origins)
      for (const [method, headers] of asks) {
        expectGood('new.yaml', undefined, [preflight(origin, method, ...headers)])
        count++
      }
    expect(count).toBeGreaterThanOrEqual(500)
  })

  test('passes the same checks for random headers and files with several rules', () => {
    const name = fc.stringMatching(/^x-[a-z]{1,8}$/)
    const origin = fc.constantFrom('https://a.test', 'https://b.test', 'https://*.c.test', '*')
    const methods = fc.uniqueArray(fc.constantFrom('GET', 'HEAD', 'DELETE'), { minLength: 1 })
    const rule = fc.record({
      allowedOrigins: fc.uniqueArray(origin, { minLength: 1, maxLength: 3 }),
      allowedMethods: methods,
      allowedHeaders: fc.uniqueArray(name, { maxLength: 3 }),
    })
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('https://a.test', 'https://x.c.test', 'https://d.test'),
        fc.constantFrom('GET', 'PUT', 'DELETE'),
        fc.uniqueArray(name, { maxLength: 3 }),
        fc.boolean(),
        (rules, from, method, headers, asJson) => {
          const file = asJson ? 'a.json' : 'a.yaml'
          const text = asJson
            ? `${JSON.stringify({ rules }, null, 2)}\n`
            : `rules:\n${rules.map((one) => `  - allowedOrigins: ${JSON.stringify(one.allowedOrigins)}\n    allowedMethods: [${one.allowedMethods.join(', ')}]\n    allowedHeaders: [${one.allowedHeaders.join(', ')}]\n`).join('')}`
          const { content } = read(file, text)
          const request = preflight(from, method, ...headers)
          if (content === undefined || allows(content, request, vendorMatching)) return
          expectGood(file, text, [request])
        },
      ),
      { numRuns: 150 },
    )
  })

  test('changes only the lines that it has to', () => {
    const text = files['commented.yaml'] ?? ''
    const { proposal } = advice('commented.yaml', text, preflight('https://app.example.com', 'PUT', 'x-b'))
    expect(proposal?.text).toBe(text.replace('[content-type]', '[content-type, x-b]'))
  })

  test('leaves the comments that start a file without `rules:` in the first lines', () => {
    const header = '# yaml-language-server: $schema=schema/rule-file.json\n'
    const open = '- allowedOrigins: ["https://*.vercel.app"]\n  allowedMethods: [GET, HEAD]\n'
    const { proposal } = advice('list.yaml', header + open, preflight('https://mine.vercel.app', 'PUT'))
    expect(proposal?.text).toMatch(/^# yaml-language-server: .*\n- allowedOrigins: \["https:\/\/mine\./)
    expect(proposal?.text.endsWith(open)).toBe(true)
  })

  test('keeps the comment in an empty list', () => {
    const { proposal } = advice('none.yaml', 'rules: [ # none yet\n]\n', preflight('https://a.test', 'GET'))
    expect(proposal?.text).toContain('# none yet\n')
  })

  test('does not change a value that an alias shares with another rule', () => {
    const text = files['aliases.yaml'] ?? ''
    const { proposal } = advice('aliases.yaml', text, preflight('https://app.example.com', 'DELETE', 'x-b'))
    expect(proposal?.text).toBe(text.replace('allowedHeaders: *names', 'allowedHeaders: [range, x-b]'))
  })

  test('starts from _default if the bucket used its rules', () => {
    const template = files['preset.yaml'] ?? ''
    const requests = [preflight('https://new.example.net', 'PUT', 'content-type')]
    const { proposal } = adviceFor({
      file: 'photos.yaml',
      text: undefined,
      template,
      dialect: 'cos',
      requests,
    })
    expect(proposal?.text).toContain('"https://app.example.com", "https://new.example.net"')
    expect(proposal?.diff).toMatch(/^--- \/dev\/null\n\+\+\+ b\/photos\.yaml\n/)
  })
})

describe('nothing is proposed, and a hint is given,', () => {
  const web = files['commented.yaml'] ?? ''
  const app = 'https://app.example.com'

  test.each<[string, AskedRequest, RegExp]>([
    ['for null', preflight('null', 'PUT'), /sandboxed frame/],
    [
      'for an origin with its default port',
      preflight(`${app}:443`, 'PUT'),
      /omit the default port.*app\.example\.com,/,
    ],
    [
      'for an origin with a slash',
      preflight(`${app}/`, 'PUT'),
      /no trailing slash.*rule writers allows for PUT/,
    ],
    ['for an origin with a path', preflight(`${app}/a/b`, 'PUT'), /no path/],
    [
      'for an origin with a path that no rule allows either',
      preflight('https://other.example/a', 'PUT'),
      /They send https:\/\/other\.example, and no rule allows it for PUT: ask for a rule for that origin\.$/,
    ],
    ['for an origin in upper case', preflight('HTTPS://App.Example.com', 'PUT'), /lower case/],
    [
      'for an origin without a scheme',
      preflight('app.example.com', 'PUT'),
      /scheme is missing.*https:\/\/app\.example\.com,/,
    ],
    [
      'for a local one without a scheme',
      preflight('localhost:3000', 'PUT'),
      /They send http:\/\/localhost:3000/,
    ],
    [
      'for file://',
      preflight('file://', 'PUT'),
      /sent by some web views for every page of the device's file system/,
    ],
    [
      'for the origin of an app with a slash',
      preflight('capacitor://localhost/', 'PUT'),
      /no trailing slash.*They send capacitor:\/\/localhost,/,
    ],
    ['for a pattern', preflight('https://*.example.com', 'PUT'), /without \*/],
    ['for a scheme that no page has', preflight('wss://example.com', 'PUT'), /scheme wss/],
    ['for text', preflight('not an origin', 'PUT'), /not an origin/],
    ['for PATCH', preflight(app, 'PATCH'), /can allow only GET, PUT, POST, DELETE and HEAD, not PATCH\./],
    ['for patch', preflight(app, 'patch'), /unchanged, in lower case/],
    ['for OPTIONS', preflight(app, 'OPTIONS'), /preflight itself/],
    ['for TRACE', preflight(app, 'TRACE'), /never send TRACE/],
    ['for put, which no browser sends', preflight(app, 'put'), /Browsers send PUT/],
    [
      'for response headers',
      preflight(app, 'PUT', 'Access-Control-Allow-Origin', 'vary'),
      /are response headers: remove them/,
    ],
    [
      'for forbidden headers',
      preflight(app, 'PUT', 'content-length', 'origin', 'sec-fetch-mode'),
      /never ask for content-length, origin, sec-fetch-mode/,
    ],
    [
      'for a page over http',
      preflight('http://app.example.com', 'GET', 'x-a'),
      /origin-insecure-with-credentials/,
    ],
    [
      'for a private address',
      preflight('https://192.168.1.5', 'GET', 'x-a'),
      /^Not proposed, because the new rule would cause the finding origin-private-range: /,
    ],
    [
      'for what a test of the file denies',
      preflight('https://evil.example', 'PUT'),
      /A test in the file expects this request to be denied/,
    ],
  ])('%s', (_what, request, hint) => {
    const got = advice('a.yaml', web, request)
    expect(got.proposal).toBeUndefined()
    expect(got.hint).toMatch(hint)
  })

  test('when one request of a group cannot be allowed', () => {
    const got = advice('a.yaml', web, preflight(app, 'PUT', 'x-b'), preflight(app, 'PUT', 'etag'))
    expect(got).toEqual({ hint: expect.stringContaining('etag is a response header') })
  })

  test('beside a file with an error', () => {
    const got = advice('a.yaml', 'rules:\n  - allowedOrigins: "x\n', preflight(app, 'PUT'))
    expect(got).toEqual({ hint: expect.stringMatching(/^a\.yaml has an error \(line 2, column /) })
  })

  test('but neither for what is allowed already, nor for a request without Origin', () => {
    expect(advice('a.yaml', web, preflight(app, 'PUT', 'content-type'))).toEqual({})
    expect(advice('a.yaml', web, { ...preflight(app, 'PUT'), origin: undefined })).toEqual({})
  })
})

const dav = `dialect: http
resourcePolicy: cross-origin
rules:
  - id: sync
    allowedOrigins: ["https://app.example.com"]
    allowedMethods: [GET, HEAD, PROPFIND]
    allowedHeaders: [depth]
    allowCredentials: true # the session of the store
`
const changed = (text: string, ...requests: readonly AskedRequest[]): string | undefined =>
  advice('dav.yaml', text, ...requests).proposal?.text

describe('in dialect http a proposal', () => {
  const app = 'https://app.example.com'

  test('adds whichever methods a page can send, and keeps what else the rule and the file say', () => {
    expect(changed(dav, preflight(app, 'MKCOL'), preflight(app, 'POST'))).toBe(
      dav.replace('PROPFIND]', 'PROPFIND, POST, MKCOL]'),
    )
  })

  test.each([
    'json',
    'yaml',
  ])('in %s puts allowCredentials into the rule that takes over from another', (format) => {
    // Anybody can have a name below that zone, so that the rule of everybody there is not extended.
    const rule = {
      allowedOrigins: ['https://*.vercel.app'],
      allowedMethods: ['GET', 'HEAD'],
      allowCredentials: true,
    }
    const file = `dav.${format}`
    const text = JSON.stringify({ dialect: 'http', rules: [rule] }, undefined, 2)
    const { proposal } = advice(file, text, preflight('https://mine.vercel.app', 'REPORT'))
    expect(read(file, proposal?.text ?? '').content?.rules).toEqual([
      expect.objectContaining({
        allowedOrigins: ['https://mine.vercel.app'],
        allowedMethods: ['REPORT'],
        allowCredentials: true,
      }),
      expect.objectContaining(rule),
    ])
  })

  test('sends no credentials to an origin that got none by "*"', () => {
    const open =
      'dialect: http\nrules:\n  - {allowedOrigins: ["*"], allowedMethods: [GET, HEAD], allowCredentials: true}\n'
    const text = changed(open, preflight(app, 'PATCH')) ?? ''
    const rules = read('dav.yaml', text).content?.rules ?? []
    expect(rules.map(({ allowedMethods }) => allowedMethods)).toEqual([['PATCH'], ['GET', 'HEAD']])
    expect(rules[0]).not.toHaveProperty('allowCredentials')
  })

  test('is in the dialect of the server where the file names none', () => {
    const input = { file: 'new.yaml', text: undefined, requests: [preflight(app, 'PROPFIND', 'depth')] }
    expect(adviceFor({ ...input, dialect: 'http' }).proposal?.text).toContain('allowedMethods: [PROPFIND]')
    expect(adviceFor({ ...input, dialect: 's3' })).toEqual({
      hint: expect.stringContaining(
        'COS, OSS and S3 rules can allow only GET, PUT, POST, DELETE and HEAD, not PROPFIND.',
      ),
    })
  })

  test.each([
    ['TRACE', /never send TRACE/],
    ['put', /Browsers send PUT/],
    ['*', /not a method that a page can send/],
  ])('is not made for the method %s', (method, hint) => {
    expect(advice('dav.yaml', dav, preflight(app, method))).toEqual({ hint: expect.stringMatching(hint) })
  })
})

describe('for pages of apps', () => {
  test.each([
    'app://.',
    'capacitor://localhost',
    'tauri://localhost',
    'safari-web-extension://140BB581-A2C0-422A-9DD3-6982A5ABEE5E',
  ])('%s is proposed as it is', (origin) => {
    const { proposal } = advice('a.yaml', files['commented.yaml'], preflight(origin, 'PUT', 'content-type'))
    expect(proposal?.text).toContain(`"${origin}"`)
  })

  test('nothing is added to a rule for file://, which every page of a device can have', () => {
    const text = 'rules:\n  - {allowedOrigins: ["file://", "https://a.test"], allowedMethods: [GET, HEAD]}\n'
    const rules = read(
      'a.yaml',
      advice('a.yaml', text, preflight('https://a.test', 'DELETE')).proposal?.text ?? '',
    )
    expect(rules.content?.rules.map(({ allowedOrigins }) => allowedOrigins)).toEqual([
      ['https://a.test'],
      ['file://', 'https://a.test'],
    ])
  })
})

test('a file that the API has stored stays one when a proposal changes it', () => {
  const text =
    'storedBy: api\ndialect: s3\nrules:\n  - {allowedOrigins: ["https://A.test", "https://a.test"], allowedMethods: [GET, HEAD]}\n'
  expect(changed(text, preflight('https://a.test', 'DELETE'))).toBe(text.replace('HEAD]', 'HEAD, DELETE]'))
})
