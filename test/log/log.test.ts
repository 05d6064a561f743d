import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createDenialGate } from '../../src/log/denial-gate.ts'
import { createLog, type Log } from '../../src/log/log.ts'
import { readRequestLine } from '../../src/log/read-request-line.ts'
import { isSecretName, redactQuery, redactText } from '../../src/log/redact.ts'
import { requestLine, traceId } from '../../src/log/request-line.ts'
import type { Verdict } from '../../src/plan/judge.ts'
import { plan } from '../../src/plan/plan.ts'
import type { LogLevel } from '../../src/settings/settings.ts'
import { identity, rule, ruleFile, setup, snapshotOf } from '../core.ts'
import { finished, preflight } from '../finished.ts'

const photos = snapshotOf({ photos: ruleFile({ rules: [rule({ id: 'web' })] }) })

type Line = Readonly<Record<string, unknown>>

function logTo(level: LogLevel = 'info'): { log: Log; texts: string[]; lines: () => Line[] } {
  const texts: string[] = []
  const destination = { write: (line: string) => texts.push(line) }
  const log = createLog({ level, destination, now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 67) })
  return { log, texts, lines: () => texts.map((line) => JSON.parse(line)) }
}

describe('the line of a request', () => {
  test('of a preflight has exactly the fields of the request and its decision', () => {
    const { log, texts, lines } = logTo()
    const request = finished(photos, preflight('https://example.com', 'GET'), { milliseconds: 0.12345 })
    log.request(request)
    expect(texts).toHaveLength(1)
    expect(texts[0]?.endsWith('}\n')).toBe(true)
    expect(lines()[0]).toEqual({
      level: 'info',
      time: '2026-01-02T03:04:05.067Z',
      msg: 'request',
      request_id: request.plan.requestId,
      'http.request.method': 'OPTIONS',
      'url.path': '/photos/cat.jpg',
      'server.address': 'store.test',
      'http.response.status_code': 200,
      'client.address': '127.0.0.1',
      bucket: 'photos',
      kind: 'preflight',
      decision: 'allow',
      reason: 'matched',
      mode: 'enforce',
      rule: 'web',
      'http.request.header.origin': ['https://example.com'],
      'http.request.header.access-control-request-method': ['GET'],
      duration_ms: 0.123,
      'http.request.body.size': 0,
      'http.response.body.size': 0,
      generation: 1,
    })
  })

  test.each([
    ['store.test:9000', 'store.test', 9000],
    ['[::1]:80', '[::1]', 80],
    ['[::1]', '[::1]', undefined],
    ['a:b', 'a:b', undefined],
    ['a:123456', 'a:123456', undefined],
    ['a:1:2', 'a:1:2', undefined],
    [':80', ':80', undefined],
  ])('logs Host %s as address and port, and reads it back', (host, address, port) => {
    const { log, texts, lines } = logTo()
    const request = finished(photos, preflight('https://example.com'))
    log.request({ ...request, facts: { ...request.facts, host } })
    expect(lines()[0]).toMatchObject({ 'server.address': address })
    expect(lines()[0]?.['server.port']).toBe(port)
    expect(readRequestLine(texts[0] ?? '')).toMatchObject({ request: { host } })
  })

  test('of a request without Origin has no CORS fields', () => {
    const { log, lines } = logTo()
    const trace = '0af7651916cd43dd8448eb211c80319c'
    const headers = ['User-Agent', 'curl/8', 'traceparent', `00-${trace}-b7ad6b7169203331-01`]
    log.request(
      finished(
        photos,
        { method: 'PUT', target: '/photos/a?uploadId=1&X-Amz-Signature=abc', headers },
        {
          status: 502,
          upstreamMilliseconds: 3,
          bytesIn: 5,
          bytesOut: 7,
          upstreamError: 'reset',
          aborted: true,
        },
      ),
    )
    expect(lines()[0]).toMatchObject({
      'url.query': 'uploadId=1&X-Amz-Signature=[redacted]',
      'user_agent.original': 'curl/8',
      trace_id: trace,
      upstream_ms: 3,
      'http.request.body.size': 5,
      'http.response.body.size': 7,
      'error.type': 'reset',
      aborted: true,
    })
    for (const name of ['decision', 'reason', 'kind', 'rule', 'http.request.header.origin'])
      expect(lines()[0]).not.toHaveProperty([name])
  })

  test('of a denial names the closest rule and what it lacks', () => {
    const { log, lines } = logTo()
    log.request(finished(photos, preflight('https://example.com', 'GET', 'x-a')))
    expect(lines()[0]).toMatchObject({
      decision: 'deny',
      reason: 'header',
      closest_rule: 'web',
      denied_header: 'x-a',
    })
  })

  test('cuts origin, method and requested headers to 512 characters', () => {
    const { log, lines } = logTo()
    log.request(finished(photos, preflight('https://'.padEnd(600, 'o'), 'GET', 'h'.repeat(600))))
    expect(lines()[0]?.['http.request.header.origin']).toEqual([`${'https://'.padEnd(512, 'o')}…`])
    expect(lines()[0]?.['http.request.header.access-control-request-headers']).toEqual([
      `${'h'.repeat(512)}…`,
    ])
  })

  test('escapes control characters and line breaks', () => {
    const { log, texts } = logTo('debug')
    const hostile = `a\u009b2J\u0085b\u0080\u009f\u007f\u2028\u2029\u202e`
    log.request(
      finished(photos, {
        method: 'OPTIONS',
        target: '/photos/k',
        headers: [
          ...['Host', 'x', 'Origin', hostile, 'Access-Control-Request-Method', hostile],
          ...['Access-Control-Request-Headers', hostile, 'User-Agent', hostile],
        ],
      }),
    )
    log.error(hostile, { hostile, error: new Error(hostile) })
    log.error(hostile.repeat(2000), { hostile: hostile.repeat(2000) })
    expect(texts.length).toBeGreaterThan(3)
    for (const text of texts) {
      expect(text.slice(0, -1)).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028-\u202e]/)
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8192)
      JSON.parse(text)
    }
    expect(texts.join('')).toContain('\\u009b2J\\u0085b')
  })

  test.each([
    ['C1 controls', '\u009b'],
    ['plain', 'a'],
    ['quotes', '"'],
    ['backslashes', '\\'],
    ['control characters', '\u0001'],
    ['bytes that are no UTF-8', '\u00ff'],
    ['lone surrogates', '\ud800'],
  ])('is valid JSON of at most 8 KB for any input: %s', (_what, character) => {
    const { log, texts } = logTo('debug')
    const flood = character.repeat(16_000)
    log.request(
      finished(photos, {
        method: 'OPTIONS',
        target: `/photos/${flood}?${flood}=1&token=${flood}`,
        headers: [
          ...['Host', flood, 'Origin', flood, 'Access-Control-Request-Method', flood],
          ...['Access-Control-Request-Headers', flood, 'User-Agent', flood, 'traceparent', flood],
        ],
      }),
    )
    expect(texts.length).toBeGreaterThan(1)
    for (const text of texts) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8192)
      expect(text.indexOf('\n')).toBe(text.length - 1)
      const bytes = Buffer.from(text)
      expect(new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toBe(text)
      JSON.parse(text)
    }
  })

  test.each<[LogLevel, number]>([
    ['debug', 1],
    ['info', 1],
    ['warn', 0],
    ['silent', 0],
  ])('with --log-level %s is written %i times', (level, count) => {
    const { log, texts } = logTo(level)
    log.request(finished(photos, preflight('https://example.com')))
    expect(texts).toHaveLength(count)
  })
})

describe('denials', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const warnings = (lines: readonly Line[]): Line[] => lines.filter(({ level }) => level === 'warn')

  test('have one line at warn for each bucket, origin and reason a minute, and a count of the rest', () => {
    const { log, lines } = logTo()
    for (let i = 0; i < 5; i++) log.request(finished(photos, preflight('https://evil.example')))
    log.request(finished(photos, preflight('https://example.com', 'PUT')))
    expect(warnings(lines())).toHaveLength(2)
    expect(warnings(lines())[0]).toMatchObject({
      msg: 'denied: The only rule does not allow the origin https://evil.example. The closest is rule web.',
      bucket: 'photos',
      reason: 'origin',
      'http.request.header.origin': ['https://evil.example'],
    })
    vi.advanceTimersByTime(60_000)
    expect(warnings(lines())[2]).toMatchObject({
      msg: '4 more denials in the last minute (suppressed)',
      folded: 4,
      unseen: 0,
    })
    log.request(finished(photos, preflight('https://evil.example')))
    expect(warnings(lines())[3]).toMatchObject({ reason: 'origin', folded: 4 })
  })

  test('are at most a hundred lines a minute, however many origins there are', () => {
    const { log, lines } = logTo('warn')
    for (let i = 0; i < 1000; i++) log.request(finished(photos, preflight(`https://o${i}.example`)))
    vi.advanceTimersByTime(60_000)
    expect(lines()).toHaveLength(100)
    expect(lines()[99]).toMatchObject({ folded: 901, unseen: 901 })
  })

  test('are all logged at debug', () => {
    const { log, lines } = logTo('debug')
    for (let i = 0; i < 5; i++) log.request(finished(photos, preflight('https://evil.example')))
    expect(lines().filter(({ msg }) => String(msg).startsWith('denied: '))).toHaveLength(5)
  })

  test('of a request that names no bucket say so', () => {
    const { log, lines } = logTo()
    log.request(finished(photos, { ...preflight('https://evil.example'), target: '//x' }))
    log.request(finished(photos, { ...preflight('https://other.example'), target: '/' }))
    expect(warnings(lines())[0]?.msg).toBe(
      'denied: The first segment of the path cannot be a bucket name, so no rules can apply to this request.',
    )
    expect(warnings(lines())[1]?.msg).toContain('_service.yaml')
  })

  test('that were suppressed are counted when the log is closed', async () => {
    const { log, lines } = logTo()
    for (let i = 0; i < 3; i++) log.request(finished(photos, preflight('https://evil.example')))
    await log.close()
    expect(warnings(lines()).at(-1)).toMatchObject({ folded: 2 })
  })

  test('are remembered for two minutes, and no more keys than lines', () => {
    const gate = createDenialGate(2)
    expect([gate.take('a'), gate.take('a'), gate.take('b'), gate.take('c')]).toEqual([
      { folded: 0 },
      undefined,
      { folded: 0 },
      undefined,
    ])
    expect(gate.endMinute()).toEqual({ folded: 2, unseen: 1 })
    expect(gate.take('a')).toEqual({ folded: 1 })
    gate.endMinute()
    gate.endMinute()
    expect(gate.take('a')).toEqual({ folded: 0 })
  })
})

describe('redaction', () => {
  const secret = 'S3cr3tV4lue'

  test.each([
    'X-Amz-Signature',
    'X-Amz-Credential',
    'X-Amz-Security-Token',
    'x-amz-signature',
    'X%2DAmz%2DSignature',
    'AWSAccessKeyId',
    'Signature',
    'signature',
    'OSSAccessKeyId',
    'security-token',
    'x-oss-signature',
    'x-oss-credential',
    'x-oss-security-token',
    'q-signature',
    'q-ak',
    'sign',
    'x-cos-security-token',
    'X-Goog-Signature',
    'GoogleAccessId',
    'sig',
    'access_token',
    'token',
    'password',
    'api_key',
    '%zz',
    'auth',
    'jwt',
    'pwd',
    'code',
    'key',
    'x-amz-server-side-encryption-customer-key',
    'anything-new',
  ])('never shows the value of the query parameter %s', (name) => {
    const { log, texts } = logTo('debug')
    for (const query of [
      `${name}=${secret}`,
      `a=1&${name}=${secret}&b=2`,
      `a=1;${name}=${secret}`,
      `${name}=x=${secret}`,
      // A secret that stands alone, like base64 with padding.
      `${secret}`,
      `${secret}==&${name}=1`,
    ])
      log.request(finished(photos, { ...preflight('https://evil.example'), target: `/photos/a?${query}` }))
    expect(texts.join('')).not.toContain(secret)
    expect(texts.join('')).toContain('[redacted]')
  })

  test.each([
    'uploadId',
    'partNumber',
    'prefix',
    'x-id',
    'X-Amz-Date',
    'X-Amz-Expires',
    'q-sign-time',
    'Expires',
    'X-Amz-SignedHeaders',
    'response-content-type',
    'list-type',
  ])('shows the value of the query parameter %s', (name) => {
    expect(redactQuery(`${name}=1&acl`)).toBe(`${name}=1&acl`)
  })

  test.each([
    ['Authorization', `AWS4-HMAC-SHA256 Credential=AKID/x, Signature=${secret}`],
    ['authorization', `OSS AKID:${secret}`],
    ['Proxy-Authorization', `Basic ${secret}`],
    ['Cookie', `a=b; session=${secret}`],
    ['X-Amz-Security-Token', secret],
    ['x-cos-security-token', secret],
    ['x-oss-security-token', secret],
  ])('never shows the header %s', (name, value) => {
    const { log, texts } = logTo('debug')
    log.request(
      finished(photos, {
        ...preflight('https://evil.example'),
        ...{ headers: [name, value, 'Origin', 'https://evil.example'] },
      }),
    )
    log.error('failed', { [name]: value })
    log.error('failed', { headers: { [name]: value } })
    log.error('failed', { headers: ['Host', 'x', name, value] })
    log.error('failed', { request: { options: { headers: { [name]: value } } } })
    log.error(`failed\n${name}: ${value}`, { error: new Error(`${name}: ${value}\nHost: x`) })
    expect(texts).toHaveLength(7)
    expect(texts.join('')).not.toContain(secret)
  })

  test('finds signed URLs in texts', () => {
    const text = `GET https://s3.example/a?X-Amz-Date=1&X-Amz-Signature=${secret} failed`
    expect(redactText(text)).toBe('GET https://s3.example/a?X-Amz-Date=1&X-Amz-Signature=[redacted] failed')
  })

  test.each([
    [`token: '${secret}' is wrong`, 'token: [redacted] is wrong'],
    [`secret="${secret} and more" in a=b`, 'secret=[redacted] in a=b'],
    [`{"token":"${secret}","path":"/x"}`, '{"token":[redacted],"path":"/x"}'],
    [`{"password": "a\\"${secret}", "n": 1}`, '{"password": [redacted], "n": 1}'],
    [`{"authorization":"Bearer ${secret}"}`, '{"authorization":[redacted]'],
    [`X-Auth-Token: Bearer ${secret} refused`, 'X-Auth-Token: [redacted] refused'],
    [`token: "${secret}`, 'token: [redacted]'],
  ])('hides a secret in the text %j', (text, expected) => {
    expect(redactText(text)).toBe(expected)
  })

  test('a query is redacted until the result is long enough', () => {
    expect(redactQuery('a&b&c', 15)).toBe('[redacted]&[redacted]')
    expect(redactQuery('a;&b&c')).toBe('[redacted];&[redacted]&[redacted]')
  })

  test('a name that cannot be decoded costs no exception', () => {
    const decode = vi.spyOn(globalThis, 'decodeURIComponent')
    try {
      expect(redactQuery('%&'.repeat(500))).toBe('[redacted]&'.repeat(500))
      expect(redactText('%=x '.repeat(500))).toBe('%=[redacted] '.repeat(500))
      expect(decode).not.toHaveBeenCalled()
    } finally {
      decode.mockRestore()
    }
  })

  test('takes time in proportion to the length of the text', () => {
    const long = 'a'.repeat(1_000_000)
    const before = performance.now()
    redactText(long)
    redactQuery(long)
    redactText(`${'a.'.repeat(500_000)}`)
    isSecretName(long)
    // Quadratic time would take hours.
    expect(performance.now() - before).toBeLessThan(20_000)
  })
})

describe('events', () => {
  test('are lines of the same form', () => {
    const { log, lines } = logTo()
    log.debug('not shown')
    log.warn('rules are stale', {
      file: 'a.yaml',
      line: 3,
      deep: { deeper: { deepest: { lost: { x: 1 } } } },
    })
    expect(lines()).toEqual([
      {
        level: 'warn',
        time: '2026-01-02T03:04:05.067Z',
        msg: 'rules are stale',
        file: 'a.yaml',
        line: 3,
        deep: { deeper: { deepest: {} } },
      },
    ])
  })

  test('describe an error by OpenTelemetry field names', () => {
    const { log, lines } = logTo()
    log.error('a bug', { error: new TypeError('x is not a function') })
    log.error('a bug', { error: 'text' })
    expect(lines()[0]).toMatchObject({
      msg: 'a bug',
      'exception.type': 'TypeError',
      'exception.message': 'x is not a function',
      'exception.stacktrace': expect.stringContaining('log.test.ts'),
    })
    expect(lines()[1]).toMatchObject({ 'exception.message': 'text' })
  })

  test('are cut to 8 KB', () => {
    const { log, texts, lines } = logTo()
    log.error('x'.repeat(10_000), { findings: Array.from({ length: 1000 }, () => 'ÿ'.repeat(100)) })
    expect(Buffer.byteLength(texts[0] ?? '')).toBeLessThanOrEqual(8192)
    expect(lines()[0]).toMatchObject({ level: 'error', msg: expect.stringMatching(/^x{512}…$/) })
  })
})

test.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
  ['01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', '0af7651916cd43dd8448eb211c80319c'],
  ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', undefined],
  ['00-00000000000000000000000000000000-b7ad6b7169203331-01', undefined],
  ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', undefined],
  ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', undefined],
  ['x', undefined],
])('the trace id of %s is %s', (traceparent, id) => {
  expect(traceId(traceparent)).toBe(id)
})

test('requests that share a cached decision are each logged with their own values', () => {
  const memory = new Map<string, Verdict>()
  const snapshot = snapshotOf({ photos: ruleFile() })
  const origin = ['Origin', 'https://example.com']
  const asked = ['Access-Control-Request-Headers', 'planted']
  const sent = [[...origin, ...asked], origin, [...origin, 'Access-Control-Request-Method', 'PUT'], origin]
  const logged = sent.map((headers) => {
    const request = finished(snapshot, { headers })
    const remembered = plan(snapshot, setup, request.facts, identity, memory)
    return JSON.parse(requestLine({ ...request, plan: remembered }, ''))
  })
  expect(memory.size).toBe(1)
  expect(logged.map((line) => line['http.request.header.access-control-request-headers'])).toEqual([
    ['planted'],
    undefined,
    undefined,
    undefined,
  ])
  expect(logged.map((line) => line['http.request.header.access-control-request-method'])).toEqual([
    undefined,
    undefined,
    ['PUT'],
    undefined,
  ])
})
