import { connect } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { createLog } from '../../src/log/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { nextSnapshot, nothingLoaded, type Snapshot } from '../../src/plan/snapshot.ts'
import { createDenials } from '../../src/requests/denials.ts'
import type { ReloadOutcome } from '../../src/rules/reload-result.ts'
import { createLifecycle } from '../../src/sidecar/lifecycle.ts'
import { loaded, rule, ruleFile, snapshotOf } from '../core.ts'
import { finished, preflight } from '../finished.ts'
import { photos, photosText, rulesDirectory, startAdmin } from './running.ts'

const query = (parameters: Readonly<Record<string, string>>): string =>
  new URLSearchParams(parameters).toString()

describe('every answer', () => {
  test.each([
    '/healthz',
    '/metrics',
    '/-/rules',
    '/-/denials',
    '/nowhere',
  ])('of %s forbids other sites, caches and frames', async (path) => {
    const { call } = await startAdmin()
    const { headers } = await call(path)
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  test.each([
    '/healthz',
    '/readyz',
    '/metrics',
    '/-/rules',
    '/-/denials',
  ])('of HEAD %s has no body', async (path) => {
    const { call } = await startAdmin()
    const head = await call(path, { method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers['content-type']).toBe((await call(path)).headers['content-type'])
  })

  test.each([
    ['/healthz', 'POST', 'GET, HEAD'],
    ['/metrics', 'PUT', 'GET, HEAD'],
    ['/-/rules', 'OPTIONS', 'GET, HEAD'],
    ['/-/explain', 'DELETE', 'GET, HEAD'],
    ['/-/reload', 'GET', 'POST'],
    ['/-/reload', 'HEAD', 'POST'],
  ])('of %s to %s is 405 with the allowed methods', async (path, method, allow) => {
    const { call } = await startAdmin()
    const refused = await call(path, { method })
    expect(refused.status).toBe(405)
    expect(refused.headers.allow).toBe(allow)
  })

  test.each([
    '/nowhere',
    '/-/',
    '/-/rules/',
    '//-/rules',
    '/-/%72ules',
    '/..',
    '/metrics/../-/rules',
  ])('of %s is 404 and repeats nothing', async (path) => {
    const { call } = await startAdmin()
    const missing = await call(`${path}?<script>`)
    expect(missing).toMatchObject({ status: 404, body: '{\n  "error": "Not found."\n}\n' })
    expect(missing.headers['content-type']).toBe('application/json; charset=utf-8')
  })

  test('to a target that is too long is 414, and to headers that are 431', async () => {
    const { call } = await startAdmin()
    expect((await call(`/-/rules?${'x'.repeat(9000)}`)).status).toBe(414)
    expect((await call('/metrics', { headers: { a: 'x'.repeat(20_000) } })).status).toBe(431)
  })

  test('leaves the body of a request unread and closes', async () => {
    const { call } = await startAdmin()
    const answered = await call('/-/reload', { method: 'POST', body: 'x'.repeat(10_000) })
    expect(answered.status).toBe(200)
    expect(answered.headers.connection).toBe('close')
  })

  test('to a client that disconnected is not an error', async () => {
    const files = Array.from({ length: 5000 }, (_, n) => [`bucket-${n}`, ruleFile()] as const)
    const lines: string[] = []
    const log = createLog({ level: 'error', destination: { write: (line: string) => lines.push(line) } })
    const { port, call } = await startAdmin({ log, rules: () => snapshotOf(Object.fromEntries(files)) })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /-/rules HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
    expect((await call('/healthz')).status).toBe(200)
    expect(lines).toEqual([])
  })
})

test('/healthz shows whether the listeners are up, /readyz also whether the sidecar drains', async () => {
  const state = { live: false, ready: false }
  const { call } = await startAdmin({
    health: { live: () => state.live, ready: () => state.ready, drained: async () => false },
  })
  const statuses = async (): Promise<number[]> => [
    (await call('/healthz')).status,
    (await call('/readyz')).status,
  ]
  expect(await statuses()).toEqual([503, 503])
  state.live = true
  state.ready = true
  expect(await statuses()).toEqual([200, 200])
  state.ready = false
  expect(await statuses()).toEqual([200, 503])
})

test('/drained waits for the end of a drain, and limits the callers that wait', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let asked = 0
  const drained = (): Promise<boolean> => {
    asked++
    return promise
  }
  const { call } = await startAdmin({ health: { live: () => true, ready: () => true, drained } })
  const waiting = Array.from({ length: 8 }, () => call('/drained'))
  await vi.waitFor(() => expect(asked).toBe(8))
  expect(await call('/drained')).toMatchObject({ status: 503, body: expect.stringContaining('Too many') })
  resolve(true)
  for (const answer of waiting) expect(await answer).toMatchObject({ status: 200, body: 'drained\n' })
  expect(await call('/drained')).toMatchObject({ status: 200 })
})

test('/drained answers 503 if no drain begins', async () => {
  const { health } = createLifecycle(50)
  const { call } = await startAdmin({ health })
  expect(await call('/drained')).toMatchObject({ status: 503, body: 'not draining\n' })
})

test('an address that is in use rejects with the error of Node', async () => {
  const { port } = await startAdmin()
  await expect(startAdmin({}, '127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('/metrics uses the format of the Accept header', async () => {
  const metrics = createMetrics({ version: '1' })
  metrics.finished(finished(photos, preflight('https://example.com')))
  const { call } = await startAdmin({ metrics })
  const plain = await call('/metrics')
  expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(plain.body).toContain('\n# TYPE cors_sidecar_decisions_total counter\n'.slice(1))
  expect(plain.body.endsWith('\n')).toBe(true)
  const open = await call('/metrics', { headers: { Accept: 'application/openmetrics-text;version=1.0.0' } })
  expect(open.headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  expect(open.body.endsWith('# EOF\n')).toBe(true)
  // Both formats contain the same counter.
  expect((await call('/metrics')).body).toContain('cors_sidecar_decisions_total{')
})

test('an internal error in the middle of a response closes the connection and is logged', async () => {
  const metrics = createMetrics({ version: '1' })
  const lines: string[] = []
  const log = createLog({ level: 'error', destination: { write: (line: string) => lines.push(line) } })
  const broken = {
    name: 'broken_total',
    help: 'No.',
    type: 'counter',
    aggregator: 'sum',
    samples: (function* () {
      yield* Array.from({ length: 600 }, () => ({ suffix: '', labels: {}, value: 1 }))
      throw new Error('no such sample')
    })(),
  } as const
  const { call } = await startAdmin({ log, metrics: { ...metrics, families: async () => [broken] } })
  await expect(call('/metrics')).rejects.toThrow()
  await vi.waitFor(() => expect(lines.join('')).toContain('no such sample'))
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', 'url.path': '/metrics' })
})

describe('/-/rules', () => {
  const first = nextSnapshot(
    nothingLoaded,
    [loaded('photos', ruleFile({ hosts: ['cdn.example'], rules: [rule({ id: 'web', maxAgeSeconds: 60 })] }))],
    'cos',
    Date.UTC(2026, 0, 1),
  )
  const finding = {
    file: 'photos.yaml',
    line: 3,
    column: 5,
    severity: 'error',
    code: 'unknown-key',
    message: 'no',
  } as const
  const broken = nextSnapshot(
    first,
    [
      { ...loaded('photos', undefined, 'h2'), findings: [finding] },
      { ...loaded('videos', undefined, 'h3'), findings: [finding] },
      loaded('_default', ruleFile({ dialect: 's3', mode: 'report' })),
    ],
    'cos',
    Date.UTC(2026, 0, 2),
  )

  test('shows the files with states, findings and the rules in use', async () => {
    const { call } = await startAdmin({ rules: () => broken })
    const { file: _file, ...shown } = finding
    expect((await call('/-/rules')).json()).toEqual({
      generation: 2,
      states: { ok: 1, stale: 1, invalid: 1 },
      files: [
        {
          bucket: 'photos',
          file: 'photos.yaml',
          state: 'stale',
          since: '2026-01-02T00:00:00.000Z',
          findings: [shown],
          dialect: 'cos',
          mode: 'enforce',
          vary: 'auto',
          responseVary: false,
          hosts: ['cdn.example'],
          rules: [rule({ id: 'web', maxAgeSeconds: 60 })],
        },
        expect.objectContaining({ bucket: 'videos', state: 'invalid', findings: [shown], rules: [] }),
        expect.objectContaining({
          bucket: '_default',
          state: 'ok',
          dialect: 's3',
          mode: 'report',
          rules: [rule()],
        }),
      ],
    })
  })

  test('shows one bucket alone', async () => {
    const { call } = await startAdmin({ rules: () => broken })
    expect((await call('/-/rules?bucket=videos')).json()).toMatchObject({ files: [{ bucket: 'videos' }] })
    expect((await call('/-/rules?bucket=missing')).status).toBe(404)
    expect((await call('/-/rules?file=videos')).status).toBe(400)
  })

  test('is valid JSON without rule files and with thousands of them', async () => {
    const none = await startAdmin({ rules: () => nothingLoaded })
    expect((await none.call('/-/rules')).json()).toMatchObject({ generation: 0, files: [] })
    const files = Array.from({ length: 3000 }, (_, n) => [`bucket-${n}`, ruleFile()] as const)
    const many = await startAdmin({ rules: () => snapshotOf(Object.fromEntries(files)) })
    expect((await many.call('/-/rules')).json()).toMatchObject({ states: { ok: 3000 } })
  })
})

describe('/-/overview', () => {
  const files = Array.from({ length: 150 }, (_, n) =>
    loaded(`bucket-${n}`, n === 77 ? undefined : ruleFile(), `${n}`),
  )
  const many = nextSnapshot(nothingLoaded, files, 'cos', 0)

  test('lists files with errors first, one page at a time', async () => {
    const { call } = await startAdmin({ rules: () => many })
    const overview = (await call('/-/overview')).json()
    expect(overview).toMatchObject({
      version: '1.2.3',
      endpoint: 'http://localhost:8080',
      ready: true,
      generation: 1,
      states: { ok: 149, stale: 0, invalid: 1 },
      denials: 0,
      filesFound: 150,
      history: { points: [expect.any(Array), expect.any(Array)] },
    })
    expect(overview).toHaveProperty('files.length', 100)
    expect(overview).toHaveProperty('files.0', {
      bucket: 'bucket-77',
      file: 'bucket-77.yaml',
      state: 'invalid',
      since: '1970-01-01T00:00:00.000Z',
      findings: [],
      rules: 0,
      dialect: 'cos',
      mode: 'enforce',
    })
  })

  test('finds buckets by a part of their name', async () => {
    const { call } = await startAdmin({ rules: () => many })
    const found = (await call('/-/overview?find=KET-14')).json()
    expect(found).toMatchObject({ filesFound: 11, states: { ok: 149 } })
    expect((await call('/-/overview?since=x')).status).toBe(400)
  })
})

describe('/-/explain', () => {
  test('answers with the decision, the exact response and the curl line', async () => {
    const { call } = await startAdmin({ directory: rulesDirectory({ 'photos.yaml': photosText }) })
    const asked = query({
      bucket: 'photos',
      origin: 'https://example.com',
      method: 'PUT',
      headers: 'X-B, Content-Type',
    })
    const answered = await call(`/-/explain?${asked}`)
    expect(answered.status).toBe(200)
    expect(answered.json()).toMatchObject({
      bucket: 'photos',
      file: 'photos.yaml',
      fileState: 'ok',
      dialect: 'cos',
      mode: 'enforce',
      decision: 'deny',
      reason: 'header',
      rule: 'web',
      text: 'Rule web allows this origin and PUT, but not the header x-b.',
      lacks: { field: 'allowedHeaders', value: 'x-b' },
      proposal: {
        file: 'photos.yaml',
        text: photosText.replace('[content-type]', '[content-type, x-b]'),
        diff: expect.stringContaining('\n+    allowedHeaders: [content-type, x-b]\n'),
      },
      notes: [],
      request: { method: 'OPTIONS', target: '/photos/exampleobject' },
      response: {
        kind: 'answer',
        status: 403,
        body: expect.stringContaining('<Code>AccessForbidden</Code>'),
      },
      curl: expect.stringContaining("-H 'Access-Control-Request-Headers: content-type,x-b'"),
      curlWrites: false,
    })
  })

  test.each([
    [
      'actual',
      { bucket: 'photos', origin: 'https://example.com', method: 'GET', actual: 'true' },
      'GET',
      'allow',
    ],
    [
      'by host',
      { host: 'x.example', path: '/photos/a', origin: 'https://example.com', method: 'GET' },
      'OPTIONS',
      'allow',
    ],
    [
      'with a path',
      { bucket: 'photos', path: '/a b', origin: 'https://b.example', method: 'GET' },
      'OPTIONS',
      'deny',
    ],
    ['without Origin', { bucket: 'photos', method: 'GET' }, 'OPTIONS', 'deny'],
    [
      'no header list',
      { bucket: 'photos', origin: 'https://example.com', method: 'GET', headers: 'a b' },
      'OPTIONS',
      'deny',
    ],
  ])('explains a request %s', async (_what, parameters, method, decision) => {
    const { call } = await startAdmin()
    expect((await call(`/-/explain?${query(parameters)}`)).json()).toMatchObject({
      request: { method },
      decision,
    })
  })

  test.each([
    ['', 'Name the bucket'],
    [query({ bucket: 'a', host: 'b', method: 'GET' }), 'Name the bucket'],
    [query({ bucket: 'photos' }), 'method is missing'],
    [query({ bucket: '../x', method: 'GET' }), 'A bucket name'],
    [query({ bucket: 'photos', method: 'GET', path: 'x' }), 'begins with a slash'],
    [query({ bucket: 'photos', method: 'GET', actual: 'maybe' }), 'true or false'],
    [query({ bucket: 'photos', method: 'GET', actual: '1' }), 'without Origin'],
    [query({ bucket: 'photos', method: 'GET', origin: 'a\r\nb' }), 'control characters'],
    ['bucket=a&bucket=b&method=GET', 'given twice'],
    ['bucket=a&methods=GET', 'Unknown parameter'],
    ['__proto__=x', 'Unknown parameter'],
  ])('says what is wrong with %s', async (text, message) => {
    const { call } = await startAdmin()
    const answered = await call(`/-/explain?${text}`)
    expect(answered.status).toBe(400)
    expect(answered.json()).toMatchObject({ error: expect.stringContaining(message) })
  })
})

test('/-/denials groups refused requests and explains them by the current rules', async () => {
  const denials = createDenials({ now: () => Date.UTC(2026, 0, 1) })
  denials.add(finished(photos, preflight('https://example.com', 'HEAD', 'x-a')))
  for (let i = 0; i < 2; i++) denials.add(finished(photos, preflight('https://example.com', 'DELETE')))
  denials.add(finished(photos, preflight('https://<script>alert(1)</script>')))
  denials.add(finished(photos, preflight('https://example.com')))
  let rules: Snapshot = photos
  const directory = rulesDirectory({ 'photos.yaml': photosText })
  const { call } = await startAdmin({ denials, rules: () => rules, directory })
  const seen = (await call('/-/denials')).json()
  expect(seen).toMatchObject({
    total: 4,
    recent: [{ reason: 'malformed' }, { reason: 'method' }, { reason: 'method' }, { reason: 'method' }],
    groups: [
      {
        bucket: 'photos',
        origin: 'https://example.com',
        reason: 'method',
        count: 3,
        overcount: 0,
        first: '2026-01-01T00:00:00.000Z',
        last: {
          method: 'DELETE',
          kind: 'preflight',
          mode: 'enforce',
          path: '/photos/cat.jpg',
          host: 'store.test',
        },
        now: {
          decision: 'deny',
          rule: 'web',
          proposal: {
            // Methods and headers of all requests of the group.
            text: photosText
              .replace('[GET, PUT]', '[GET, PUT, DELETE, HEAD]')
              .replace('[content-type]', '[content-type, x-a]'),
          },
        },
      },
      { reason: 'malformed', count: 1 },
    ],
  })
  rules = snapshotOf({
    photos: ruleFile({ rules: [rule({ allowedMethods: ['DELETE', 'HEAD'], allowedHeaders: ['x-a'] })] }),
  })
  expect((await call('/-/denials')).json()).toMatchObject({ groups: [{ now: { decision: 'allow' } }, {}] })
})

describe('POST /-/reload', () => {
  test.each<[ReloadOutcome, number]>([
    ['applied', 200],
    ['unchanged', 200],
    ['failed', 500],
  ])('says that the rules are %s', async (result, status) => {
    let asked = 0
    const reload = async (): Promise<ReloadOutcome> => {
      asked++
      return result
    }
    const { call } = await startAdmin({ reload })
    const answered = await call('/-/reload', { method: 'POST' })
    expect(answered.status).toBe(status)
    expect(answered.json()).toEqual({
      result,
      generation: 1,
      states: { ok: 1, stale: 0, invalid: 0 },
      ...(result === 'failed' ? { error: expect.stringContaining('has an error') } : {}),
      errors: [],
    })
    expect(asked).toBe(1)
  })
})
