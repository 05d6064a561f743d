import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/cors/decide.ts'
import { presetNames } from '../../../src/cors/presets.ts'
import { readPreflight } from '../../../src/cors/request.ts'
import { compileRules } from '../../../src/cors/rule-set.ts'
import {
  isNeverSentOrigin,
  isOpenOrigin,
  isUsualOrigin,
  remarksOnOrigin,
} from '../../../src/rule-file/lint/lint-origin.ts'
import { shadowsIn } from '../../../src/rule-file/lint/lint-shadow.ts'
import { readRules } from '../../../src/rule-file/read.ts'

interface RuleFields {
  readonly origins?: readonly string[]
  readonly methods?: readonly string[]
  readonly headers?: readonly string[]
  readonly expose?: readonly string[]
  readonly age?: number
  readonly id?: string
}

/** Rules without findings, except for what a row changes. */
function check(...rules: readonly RuleFields[]): string[] {
  const text = JSON.stringify({
    rules: rules.map(({ origins, methods, headers, expose, age, id }) => ({
      id,
      allowedOrigins: origins ?? ['https://app.example.com'],
      allowedMethods: methods ?? ['GET', 'HEAD'],
      allowedHeaders: headers,
      exposeHeaders: expose,
      maxAgeSeconds: age,
    })),
  })
  const { findings } = readRules('a.json', new TextEncoder().encode(text), 'cos')
  return findings.map(({ severity, code }) => `${severity} ${code}`)
}

describe('origins', () => {
  test.each<[string, readonly string[]]>([
    // No findings
    ['https://example.com', []],
    ['https://example.com:8443', []],
    ['https://*.example.com', []],
    ['https://*.example.com:8443', []],
    ['https://app-*.example.com', []],
    ['https://*-app.example.com', []],
    ['https://*.internal', []],
    ['http://localhost:*', ['info origin-localhost']],
    ['http://localhost:3000', ['info origin-localhost']],
    ['http://app.localhost', ['info origin-localhost']],
    ['http://127.0.0.1:8080', ['info origin-localhost']],
    ['http://[::1]:8080', ['info origin-localhost']],
    ['https://example.com.', []],
    ['https://www.xn--xample-9ua.com', []],
    ['capacitor://app', []],
    ['*', []],
    // Everybody
    ['https://*', ['warning origin-pattern-matches-any-host']],
    ['https://*:8443', ['warning origin-pattern-matches-any-host']],
    ['*://*', ['error origin-more-than-one-wildcard']],
    ['h*', ['warning origin-pattern-matches-any-host']],
    ['http*', ['warning origin-pattern-matches-any-host']],
    ['https:/*', ['warning origin-pattern-matches-any-host']],
    ['chrome-extension://*', ['warning origin-pattern-matches-any-host']],
    // Anybody who registers a name
    ['https://*.com', ['warning origin-pattern-public-suffix']],
    ['https://*.co.uk', ['warning origin-pattern-public-suffix']],
    ['https://*.github.io', ['warning origin-pattern-public-suffix']],
    ['https://*.vercel.app', ['warning origin-pattern-public-suffix']],
    ['https://app-*.github.io', ['warning origin-pattern-public-suffix']],
    ['https://*.github.io:8443', ['warning origin-pattern-public-suffix']],
    ['https://*.myqcloud.com', ['warning origin-pattern-public-suffix']],
    ['https://*.cos.ap-beijing.myqcloud.com', ['warning origin-pattern-public-suffix']],
    ['https://*.oss-cn-hangzhou.aliyuncs.com', ['warning origin-pattern-public-suffix']],
    ['https://*.s3.amazonaws.com', ['warning origin-pattern-public-suffix']],
    ['https://*.compute.amazonaws.com', ['warning origin-pattern-public-suffix']],
    ['https://*.me.github.io', []],
    ['https://*example.com', ['warning origin-wildcard-not-on-label-boundary']],
    ['https://a*a.com', ['warning origin-wildcard-not-on-label-boundary']],
    ['https://*internal', ['warning origin-wildcard-not-on-label-boundary']],
    ['https://example.com*', ['warning origin-trailing-wildcard-open-suffix']],
    ['https://example.*', ['warning origin-trailing-wildcard-open-suffix']],
    ['https://example*:8443', ['warning origin-trailing-wildcard-open-suffix']],
    [
      'http://10.0.0.*',
      ['warning origin-insecure-with-credentials', 'warning origin-trailing-wildcard-open-suffix'],
    ],
    // Schemes
    ['*.example.com', ['warning origin-pattern-without-scheme']],
    ['*suffix', ['warning origin-pattern-without-scheme', 'warning origin-wildcard-not-on-label-boundary']],
    ['prefix*', ['warning origin-pattern-without-scheme']],
    ['start*end', ['warning origin-pattern-without-scheme']],
    ['n*', ['warning origin-pattern-without-scheme']],
    ['*ll', ['warning origin-pattern-without-scheme', 'warning origin-wildcard-not-on-label-boundary']],
    ['*.vercel.app', ['warning origin-pattern-without-scheme', 'warning origin-pattern-public-suffix']],
    ['*.amazonaws.com', ['warning origin-pattern-without-scheme', 'warning origin-pattern-public-suffix']],
    ['*.com', ['warning origin-pattern-without-scheme', 'warning origin-pattern-public-suffix']],
    ['http*.github.io', ['warning origin-pattern-without-scheme', 'warning origin-pattern-public-suffix']],
    [
      '*example.com',
      ['warning origin-pattern-without-scheme', 'warning origin-wildcard-not-on-label-boundary'],
    ],
    ['localhost:*', ['warning rule-never-matches', 'warning origin-without-scheme']],
    ['www.*.example.com', ['warning rule-never-matches', 'warning origin-without-scheme']],
    ['https://*.-team.example.com', ['warning rule-never-matches', 'warning origin-label-hyphen']],
    ['https://app-.example.com', ['warning rule-never-matches', 'warning origin-label-hyphen']],
    ['https://-app.example.com', ['warning rule-never-matches', 'warning origin-label-hyphen']],
    ['capacitor://localhost', []],
    ['ionic://localhost', []],
    ['tauri://localhost', []],
    ['https://YOUR_APP_DOMAIN', ['error origin-placeholder']],
    ['www.aliyun.com', ['warning rule-never-matches', 'warning origin-without-scheme']],
    ['localhost:4566', ['warning rule-never-matches', 'warning origin-without-scheme']],
    ['/', ['warning rule-never-matches', 'warning origin-without-scheme']],
    ['http*://www.example.com', ['warning origin-wildcard-in-scheme']],
    ['wss://example.com', ['warning rule-never-matches', 'warning origin-scheme-never-sent']],
    ['http://example.com', ['warning origin-insecure-with-credentials']],
    ['http://*.example.com', ['warning origin-insecure-with-credentials']],
    ['http://notlocalhost:3000', ['warning origin-insecure-with-credentials']],
    ['http://localhost.example.com', ['warning origin-insecure-with-credentials']],
    ['null', ['warning origin-null-prohibited']],
    ['file://*', ['error origin-file-prohibited']],
    ['https://10.1.2.3', ['warning origin-private-range']],
    ['https://172.31.0.1:8443', ['warning origin-private-range']],
    ['https://172.32.0.1', []],
    ['https://192.168.1.1', ['warning origin-private-range']],
    ['https://169.254.1.1', ['warning origin-private-range']],
    ['https://[fd00::1]', ['warning origin-private-range']],
    ['https://[fe80::1]', ['warning origin-private-range']],
    ['https://[2001:db8::1]', []],
    ['https://10.example.com', []],
  ])('%s', (origin, expected) => {
    expect(check({ origins: [origin] }).toSorted()).toEqual([...expected].toSorted())
  })

  test.each<[string, string]>([
    ['https://*example.com', 'https://example.com" and "https://*.example.com'],
    ['*.example.com', 'https://*.example.com'],
    ['www.aliyun.com', 'https://www.aliyun.com'],
    ['localhost:4566', 'http://localhost:4566'],
    ['http*://www.example.com', 'https://www.example.com'],
  ])('for %s it proposes %s', (origin, better) => {
    const text = JSON.stringify([{ AllowedOrigins: [origin], AllowedMethods: ['GET'] }])
    const { findings } = readRules('a.json', new TextEncoder().encode(text), 'cos')
    expect(findings.map(({ message }) => message).join('\n')).toContain(`write "${better}"`)
  })

  test('writing for everybody is a warning, reading is not', () => {
    const upload = { methods: ['GET', 'HEAD', 'PUT', 'POST'], headers: ['content-type'], expose: ['ETag'] }
    expect(check({ origins: ['*'], ...upload })).toEqual(['warning write-methods-for-any-origin'])
    expect(check({ origins: ['https://*'], ...upload })).toContain('warning write-methods-for-any-origin')
    expect(check({ origins: ['h*'], methods: ['DELETE'] })).toContain('warning write-methods-for-any-origin')
    expect(check({ origins: ['https://*.example.com'], ...upload })).toEqual([])
    expect(check({ origins: ['*'] })).toEqual([])
  })
})

describe('methods and headers', () => {
  test.each<[string, RuleFields, readonly string[]]>([
    ['GET without HEAD', { methods: ['GET'] }, ['info head-missing']],
    ['a method twice', { methods: ['GET', 'HEAD', 'GET'] }, ['info duplicate-entry']],
    [
      'PUT without POST',
      { methods: ['PUT'], headers: ['content-type'], expose: ['etag'] },
      ['info post-missing'],
    ],
    ['PUT without ETag', { methods: ['PUT', 'POST'], headers: ['content-*'] }, ['warning etag-not-exposed']],
    ['POST without ETag, as forms send it', { methods: ['POST'], expose: ['Location'] }, []],
    [
      'PUT without content-type',
      { methods: ['PUT', 'POST'], headers: ['authorization'], expose: ['ETag'] },
      ['warning content-type-not-allowed'],
    ],
    [
      'PUT without any header',
      { methods: ['PUT', 'POST'], expose: ['ETag'] },
      ['warning content-type-not-allowed'],
    ],
    [
      'ali-oss without its user agent',
      { methods: ['PUT', 'POST'], headers: ['content-type', 'x-oss-date'], expose: ['ETag'] },
      ['warning oss-user-agent-missing'],
    ],
    ['reading by ali-oss', { headers: ['x-oss-date'] }, []],
    ['a named origin beside "*"', { origins: ['https://a.com', '*'] }, ['warning origin-beside-any']],
    [
      'a response header that is allowed',
      { headers: ['Access-Control-Allow-Origin'] },
      ['info allowed-cors-header'],
    ],
    [
      'Origin and Content-Length',
      { headers: ['Origin', 'Content-Length'] },
      ['info header-forbidden', 'info header-forbidden'],
    ],
    ['DELETE without ETag', { methods: ['DELETE'] }, []],
    ['Cookie', { headers: ['Cookie'] }, ['warning header-forbidden']],
    ['Proxy-Authorization', { headers: ['Proxy-Authorization'] }, ['warning header-forbidden']],
    ['Sec-Fetch-*', { headers: ['sec-fetch-*'] }, ['info header-forbidden']],
    [
      'Access-Control-Request-Headers',
      { headers: ['access-control-request-headers'] },
      ['info header-forbidden'],
    ],
    ['Accept', { headers: ['Accept'] }, ['info header-safelisted']],
    ['Content-Type and Range', { headers: ['content-type', 'range', 'authorization'] }, []],
    ['a header in two spellings', { headers: ['Range', 'range'] }, ['info duplicate-entry']],
    [
      'x-amz-* without the headers of the SDK',
      { headers: ['authorization', 'x-amz-*'] },
      ['warning amz-sdk-headers-missing'],
    ],
    [
      'x-amz-date without the headers of the SDK',
      { headers: ['X-Amz-Date'] },
      ['warning amz-sdk-headers-missing'],
    ],
    [
      'x-amz-* with one of the headers of the SDK',
      { headers: ['x-amz-*', 'amz-sdk-request'] },
      ['warning amz-sdk-headers-missing'],
    ],
    ['x-amz-* with the headers of the SDK', { headers: ['x-amz-*', 'amz-sdk-*'] }, []],
    ['x-amz-meta-name', { headers: ['x-amz-meta-name', 'x-amz-acl'] }, []],
    ['every header', { headers: ['*', 'x-amz-*'] }, []],
    ['Set-Cookie exposed', { expose: ['Set-Cookie'] }, ['warning header-forbidden']],
    ['Content-Length exposed', { expose: ['Content-Length'] }, ['info header-safelisted']],
    [
      'Access-Control-Allow-Origin exposed',
      { expose: ['Access-Control-Allow-Origin'] },
      ['info expose-cors-header'],
    ],
    ['no seconds', { age: 0 }, ['info maxage-zero']],
    ['two hours', { age: 7200 }, []],
    ['more than Chromium keeps', { age: 7201 }, ['info maxage-above-browser-cap']],
    ['a day', { age: 86400 }, ['info maxage-above-browser-cap']],
    ['more than any browser keeps', { age: 86401 }, ['warning maxage-out-of-range']],
    [
      'more than a number holds',
      { age: 1e300 },
      ['warning maxage-not-decimal', 'warning maxage-out-of-range'],
    ],
  ])('%s', (_, rule, expected) => {
    expect(check(rule).toSorted()).toEqual([...expected].toSorted())
  })

  test.each(presetNames)('the preset %s has no finding', (preset) => {
    const text = `rules:\n  - {preset: ${preset}, allowedOrigins: ["https://a.example.com"]}\n`
    expect(readRules('a.yaml', new TextEncoder().encode(text), 's3').findings).toEqual([])
  })
})

describe('several rules', () => {
  test.each<[string, readonly RuleFields[], readonly string[]]>([
    ['the same rule twice', [{}, {}], ['warning rule-shadowed']],
    ['everybody first', [{ origins: ['*'] }, {}], ['warning rule-shadowed']],
    ['everybody last', [{}, { origins: ['*'] }], []],
    ['more methods later', [{ origins: ['*'] }, { methods: ['GET', 'DELETE'] }], ['info head-missing']],
    ['more headers later', [{ origins: ['*'], headers: ['range'] }, { headers: ['range', 'x-a'] }], []],
    [
      'the same headers in other letters',
      [{ headers: ['Range', 'X-A'] }, { headers: ['range', 'x-a'] }],
      ['warning rule-shadowed'],
    ],
    [
      'headers that a pattern covers',
      [{ headers: ['x-*'] }, { headers: ['x-a', 'x-b-*'] }],
      ['warning rule-shadowed'],
    ],
    ['a pattern that headers do not cover', [{ headers: ['x-a'] }, { headers: ['x-*'] }], []],
    [
      'an origin that a pattern covers',
      [{ origins: ['https://*.example.com'] }, {}],
      ['warning rule-shadowed'],
    ],
    [
      'a pattern that a pattern covers',
      [{ origins: ['https://*.example.com'] }, { origins: ['https://a.*.b.example.com'] }],
      ['warning rule-shadowed'],
    ],
    [
      'a pattern that is wider',
      [{ origins: ['https://*.b.example.com'] }, { origins: ['https://*.example.com'] }],
      [],
    ],
    [
      'a pattern that would overlap itself',
      [{ origins: ['https://ab*ba.example.com'] }, { origins: ['https://aba.example.com'] }],
      [],
    ],
    [
      'two rules that take it together',
      [{ methods: ['GET', 'HEAD'] }, { methods: ['DELETE'] }, { methods: ['GET', 'DELETE', 'HEAD'] }],
      ['warning rule-shadowed'],
    ],
    [
      'null, which no pattern catches',
      [{ origins: ['n*'] }, { origins: ['null'] }],
      ['warning origin-pattern-without-scheme', 'warning origin-null-prohibited'],
    ],
    [
      'file://, which no pattern catches',
      [{ origins: ['f*'] }, { origins: ['file://'] }],
      ['warning origin-pattern-without-scheme', 'warning origin-file'],
    ],
    [
      'text, which no URL pattern catches',
      [{ origins: ['https://a*'] }, { origins: ['*a'] }],
      [
        'warning origin-trailing-wildcard-open-suffix',
        'warning origin-pattern-without-scheme',
        'warning origin-wildcard-not-on-label-boundary',
      ],
    ],
    ['an id twice', [{ id: 'a' }, { id: 'a', methods: ['DELETE'] }], ['warning duplicate-id']],
  ])('%s', (_, rules, expected) => {
    expect(check(...rules).toSorted()).toEqual([...expected].toSorted())
  })

  test("a shadowed rule's finding names the rules that shadow it", () => {
    const text = JSON.stringify({
      rules: [
        { id: 'reads', allowedOrigins: ['*'], allowedMethods: ['GET', 'HEAD'] },
        { allowedOrigins: ['https://a.com'], allowedMethods: ['DELETE'] },
        { allowedOrigins: ['https://a.com'], allowedMethods: ['DELETE', 'GET', 'HEAD'] },
      ],
    })
    const { findings } = readRules('a.json', new TextEncoder().encode(text), 'cos')
    expect(findings.map(({ message }) => message)).toEqual([
      'unreachable: rules reads, 2, above, already match every request this rule could allow: remove it, or move it up',
    ])
  })

  test('a rule is called shadowed only when no request could reach it', () => {
    const origin = fc.constantFrom(
      '*',
      'https://*.a.com',
      'https://b.a.com',
      'https://*',
      'h*',
      '*a',
      'f*',
      'null',
      'file://',
      'https://*.b.a.com',
      'https://x*x.com',
      'https://x.com',
      'xxa',
    )
    const header = fc.constantFrom('*', 'x-*', 'x-a', 'X-B', 'range', '*-a')
    const rule = fc.record({
      allowedOrigins: fc.uniqueArray(origin, { minLength: 1, maxLength: 3 }),
      allowedMethods: fc.uniqueArray(fc.constantFrom('GET', 'PUT', 'DELETE'), { minLength: 1 }),
      allowedHeaders: fc.uniqueArray(header, { maxLength: 2 }),
      exposeHeaders: fc.constant([]),
    })
    const sent = fc.constantFrom(
      'https://b.a.com',
      'https://c.a.com',
      'https://c.b.a.com',
      'https://x.com',
      'https://xx.com',
      'http://a',
      'null',
      'file://',
      'xxa',
      'ha',
    )
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 2, maxLength: 4 }),
        sent,
        fc.constantFrom('GET', 'PUT', 'DELETE'),
        fc.subarray(['x-a', 'x-b', 'range', 'y-a']),
        (rules, from, method, headers) => {
          const compiled = compileRules(rules)
          const question = readPreflight({
            method: 'OPTIONS',
            origin: from,
            requestedMethod: method,
            requestedHeaders: headers.length === 0 ? undefined : headers.join(','),
          })
          if ('what' in question) throw new Error(question.what)
          const decision = decide(compiled, question)
          const shadows = shadowsIn(rules)
          if (decision.verdict === 'allow') expect(shadows[decision.rule.number - 1]).toEqual([])
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('the quick check reports no shadowed rule only if the full check finds none', () => {
    const entry = fc.constantFrom(
      '*',
      'null',
      'https://a.com',
      'https://b.com',
      'https://*.a.com',
      'https://x.a.com',
    )
    const rule = fc.record({
      allowedOrigins: fc.array(entry, { minLength: 1, maxLength: 2 }),
      allowedMethods: fc.uniqueArray(fc.constantFrom('GET', 'PUT'), { minLength: 1 }),
      allowedHeaders: fc.constantFrom([], ['*'], ['x-a']),
      exposeHeaders: fc.constant([]),
    })
    // It takes nothing away, but after a wildcard the quick test cannot decide.
    const first = {
      allowedOrigins: ['zz*'],
      allowedMethods: ['GET'],
      allowedHeaders: [],
      exposeHeaders: [],
    } as const
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), (rules) => {
        const close = shadowsIn([first, ...rules]).slice(1)
        expect(shadowsIn(rules)).toEqual(close.map((takers) => takers.map((taker) => taker - 1)))
      }),
      { numRuns: 5000 },
    )
  })

  test('the quick check accepts an entry only if the full check has no finding for it', () => {
    const label = fc.constantFrom('a', 'localhost', '10', '127', '192', '168', 'github', 'x-1', '-', 'co')
    const end = fc.constantFrom('com', 'localhost', 'io', '1', 'local', 'uk', 'com.', 'com:8443', 'xn--p1ai')
    const scheme = fc.constantFrom('https://', 'http://', 'wss://', 'h*://', '')
    const host = fc.array(fc.oneof(label, fc.constant('*')), { maxLength: 3 })
    let usual = 0
    fc.assert(
      fc.property(scheme, host, end, (before, labels, after) => {
        const entry = `${before}${[...labels, after].join('.')}`
        if (!isUsualOrigin(entry)) return
        usual++
        expect([remarksOnOrigin(entry), isOpenOrigin(entry), isNeverSentOrigin(entry)]).toEqual([
          [],
          false,
          false,
        ])
      }),
      { numRuns: 20_000 },
    )
    expect(usual).toBeGreaterThan(100)
  })

  test('the largest possible file of patterns is checked in a limited number of steps', () => {
    const rules = Array.from({ length: 100 }, (_, i) => ({
      allowedOrigins: Array.from({ length: 20 }, (_, k) => `https://*.${i}-${k}.a.com`),
      allowedMethods: ['GET', 'HEAD'],
    }))
    const { content, findings } = readRules(
      'a.json',
      new TextEncoder().encode(JSON.stringify({ rules })),
      'cos',
    )
    expect(content?.rules).toHaveLength(100)
    expect(findings).toEqual([])
  })

  test('an empty list of rules is a warning', () => {
    expect(check()).toEqual(['warning no-rules'])
  })
})

describe('tests in the file', () => {
  test('a test that does not hold is an error at its place', () => {
    const text = `rules:
  - allowedOrigins: ["https://a.com"]
    allowedMethods: [GET, HEAD]
tests:
  - {origin: "https://a.com", method: GET, expect: allow}
  - {origin: "https://b.com", method: GET, expect: allow}
`
    const { content, findings } = readRules('a.yaml', new TextEncoder().encode(text), 'cos')
    expect(content).toBeUndefined()
    expect(findings).toMatchObject([{ line: 6, column: 5, severity: 'error', code: 'test-failed' }])
  })

  test.each([
    [
      '{origin: "https://a.com", method: GET, expect: deny}',
      'expected deny, but GET from https://a.com is allowed by rule web',
    ],
    [
      '{origin: "https://b.com", method: GET, expect: allow}',
      'expected allow, but GET from https://b.com is denied: no rule allows the origin (closest rule: web)',
    ],
    [
      '{origin: "https://a.com", method: PUT, expect: allow}',
      'expected allow, but PUT from https://a.com is denied: no rule allows the method (closest rule: web)',
    ],
    [
      '{origin: "https://a.com", method: GET, headers: [x-a, x-b], expect: allow}',
      'expected allow, but GET from https://a.com with x-a, x-b is denied: the closest rule does not allow the header x-a (closest rule: web)',
    ],
    [
      '{origin: "https://a.com\\tb", method: GET, expect: allow}',
      'expected allow, but GET from "https://a.com\\tb" is denied: the origin is not valid (closest rule: web)',
    ],
    [
      '{origin: "https://a.com", method: GET, headers: [a, b, c, d, e, f, g], expect: allow}',
      'expected allow, but GET from https://a.com with a, b, c, d, e, … is denied: the closest rule does not allow the header a (closest rule: web)',
    ],
  ])('%s has a message of bounded length', (one, message) => {
    const text = `rules:
  - id: web
    allowedOrigins: ["https://a.com"]
    allowedMethods: [GET, HEAD]
tests:
  - ${one}
`
    const { findings } = readRules('a.yaml', new TextEncoder().encode(text), 'cos')
    expect(findings.map((found) => found.message)).toEqual([message])
  })
})

test('a host gets a finding that the store must map it', () => {
  const text = `rules:
  - allowedOrigins: ["https://app.example.com"]
    allowedMethods: [GET, HEAD]
hosts: [cdn.example.org]
`
  const { findings, content } = readRules('a.yaml', new TextEncoder().encode(text), 'cos')
  expect(content).toBeDefined()
  expect(findings).toMatchObject([
    { severity: 'info', code: 'host-mapping', line: 4, message: expect.stringContaining('cdn.example.org') },
  ])
})

describe('in dialect http', () => {
  const lintHttp = (rule: string): string[] => {
    const text = `dialect: http\nrules:\n  - {allowedOrigins: ["https://a.test"], ${rule}}\n`
    const { findings } = readRules('a.yaml', new TextEncoder().encode(text), 's3')
    return findings.map(({ severity, code, message }) => `${severity} ${code}: ${message}`)
  }

  test('there is no finding about the multipart uploads of S3', () => {
    expect(lintHttp('allowedMethods: [GET, HEAD, PUT, MOVE], allowedHeaders: [content-type]')).toEqual([])
  })

  test.each(['PUT', 'PATCH'])('%s without content-type is a warning', (method) => {
    expect(lintHttp(`allowedMethods: [${method}], allowedHeaders: [upload-offset]`)).toEqual([
      expect.stringMatching(`^warning content-type-not-allowed: ${method} is allowed but`),
    ])
  })

  test.each([
    ['get', 'no page can send the method get: write GET'],
    [
      'TRACE',
      'no page can send the method TRACE: browsers never send it (Fetch: forbidden method); remove it',
    ],
    ['"*"', 'no page can send the method *: name each method, for example GET, PUT, PROPFIND'],
    ['"B AD"', 'no page can send the method B AD: write a name such as GET or PROPFIND'],
  ])('the method %s is refused in words of that dialect', (method, message) => {
    expect(lintHttp(`allowedMethods: [${method}]`)).toEqual([`error method-unsupported: ${message}`])
  })

  test('a mistake elsewhere brings no advice for S3 back', () => {
    const findings = lintHttp('allowedMethods: [GET, HEAD, PUT, TRACE], allowedHeaders: [content-type]')
    expect(findings).toEqual([expect.stringMatching(/^error method-unsupported/)])
  })
})
