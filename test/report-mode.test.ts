import { readFile, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogLine } from './serve/program.ts'
import { type Answered, eventually, type Serving, serveInTest, startServing } from './serving.ts'

const rules = `rules:
  - id: web
    allowedOrigins: ["https://example.com"]
    allowedMethods: [GET, PUT]
    allowedHeaders: [content-type]
    exposeHeaders: [ETag]
`
const files = {
  'photos.yaml': `${rules}mode: report\n`,
  'videos.yaml': rules,
}

/** A store with CORS of its own that contradicts our rules. */
const ownCors = [
  ...['Access-Control-Allow-Origin', 'https://the-store.example'],
  ...['access-control-allow-methods', 'PATCH'],
  ...['Access-Control-Max-Age', '7'],
  ...['Vary', 'Accept-Encoding'],
  ...['X-Own', 'yes'],
]
const store: RequestListener = (request, response) => {
  const body = request.method === 'OPTIONS' ? '' : `${request.method} ${request.url}`
  response.writeHead(request.method === 'OPTIONS' ? 204 : 200, [
    ...ownCors,
    ...(body === '' ? [] : ['Content-Length', String(body.length)]),
  ])
  response.end(body)
}

const preflight = (origin: string, method = 'GET', ...headers: string[]): Record<string, string> => ({
  Origin: origin,
  'Access-Control-Request-Method': method,
  ...(headers.length === 0 ? {} : { 'Access-Control-Request-Headers': headers.join(',') }),
})

/** Header lines as text, so that missing and additional ones both show. */
const texts = (lines: readonly string[]): string[] =>
  lines.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${lines[index + 1]}`] : []))

const corsNames = ({ lines }: Answered): string[] =>
  texts(lines).filter((line) => /^(?:access-control-|vary:|timing-|x-cors-sidecar)/i.test(line))

describe('a bucket in report mode', () => {
  let serving: Serving
  beforeAll(async () => {
    serving = await startServing({ rules: files, store })
  })
  afterAll(() => serving.close())

  test.each([
    ['a preflight that our rules allow', preflight('https://example.com', 'PUT', 'content-type')],
    ['a preflight that our rules deny', preflight('https://evil.example', 'DELETE')],
    ['an OPTIONS without Origin', { 'Access-Control-Request-Method': 'GET' }],
    ['an OPTIONS without a method to ask for', { Origin: 'https://example.com' }],
    ['an OPTIONS with nothing of CORS', {}],
    ['a preflight whose header list is malformed', preflight('https://example.com', 'GET', 'a b')],
  ])('has %s answered by the store alone', async (_, headers: Readonly<Record<string, string>>) => {
    const answered = await serving.send({ method: 'OPTIONS', path: '/photos/cat.jpg?x=%41', headers })
    expect(answered).toMatchObject({ status: 204, body: '' })
    expect(texts(answered.lines)).toEqual(texts(ownCors))
    const [seen, ...more] = serving.seen.splice(0)
    expect(more).toEqual([])
    expect(seen).toMatchObject({ method: 'OPTIONS', target: '/photos/cat.jpg?x=%41', body: '' })
    expect(texts(seen?.lines ?? [])).toEqual(
      expect.arrayContaining(Object.entries(headers).map(([name, value]) => `${name}: ${value}`)),
    )
  })

  test('has the body of an OPTIONS passed on too', async () => {
    await serving.send({ method: 'OPTIONS', path: '/photos/x', headers: {}, body: '<why/>' })
    expect(serving.seen.splice(0)).toMatchObject([{ method: 'OPTIONS', body: '<why/>' }])
  })

  test.each([
    ['https://example.com', 'GET'],
    ['https://evil.example', 'PUT'],
    [undefined, 'GET'],
  ])('has the response to a request of %s by %s left alone', async (origin, method) => {
    const headers = origin === undefined ? {} : { Origin: origin }
    const answered = await serving.send({ method, path: '/photos/cat.jpg', headers })
    expect(answered).toMatchObject({ status: 200, body: `${method} /photos/cat.jpg` })
    expect(texts(answered.lines)).toEqual(texts([...ownCors, 'Content-Length', String(answered.body.length)]))
  })

  test.each(['off', 'read'])('leaves ?cors to the store with --bucket-cors-api %s', async (mode) => {
    const serving = await serveInTest({ rules: files, store, flags: ['--bucket-cors-api', mode] })
    const calls = [
      { method: 'GET', path: '/photos?cors' },
      { method: 'PUT', path: '/photos/?cors=', body: '<CORSConfiguration/>' },
      { method: 'DELETE', path: '/photos?c%6Frs' },
      { method: 'POST', path: '/photos?cors' },
      { method: 'GET', path: '/photos?cors&acl' },
      { method: 'GET', path: '/photos?cors&cors' },
    ]
    for (const call of calls)
      expect(await serving.send(call)).toMatchObject({ status: 200, body: `${call.method} ${call.path}` })
    expect(serving.seen).toMatchObject(
      calls.map(({ method, path, body = '' }) => ({ method, target: path, body })),
    )
    // The other bucket is not in report mode.
    const managed = await serving.send({ method: 'PUT', path: '/videos?cors', body: '<CORSConfiguration/>' })
    expect(managed.status).toBe(mode === 'off' ? 200 : 405)
    expect(serving.seen).toHaveLength(mode === 'off' ? 7 : 6)
  })

  test('leaves ?cors to the store even where the API could write', async () => {
    const keys = join(import.meta.dirname, 'fixtures', 'report-mode-keys.yaml')
    const flags = ['--bucket-cors-api', 'write', '--credentials', keys]
    const serving = await serveInTest({ rules: files, store, flags })
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(await serving.send({ method, path: '/photos?cors', body: 'x' })).toMatchObject({
        status: 200,
        body: `${method} /photos?cors`,
      })
    expect(await readFile(join(serving.directory, 'photos.yaml'), 'utf8')).toBe(files['photos.yaml'])
  })
})

describe('an error made here', () => {
  const silent: RequestListener = (request, response) =>
    request.url?.endsWith('/silent') === true ? undefined : store(request, response)
  let up: Serving
  let down: Serving
  beforeAll(async () => {
    const flags = ['--host-suffix', 'store.test', '--upstream-timeout', '300ms']
    const options = { rules: files, store: silent, flags }
    up = await startServing(options)
    down = await startServing(options)
    down.closeStore()
  })
  afterAll(() => Promise.all([up.close(), down.close()]))

  const origin = { Origin: 'https://example.com' }
  const allowed = 'Access-Control-Allow-Origin: https://example.com'
  const refused = 'Vary: Origin'

  interface Failing {
    readonly method?: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
  }

  test.each<[string, number, Failing, string]>([
    ['a target', 400, { path: '/../x', headers: { Host: 'BUCKET.store.test' } }, allowed],
    ['what Connection names', 400, { path: '/BUCKET/x', headers: { Connection: 'close, origin' } }, allowed],
    ['an expectation', 417, { path: '/BUCKET/x', headers: { Expect: 'the-unexpected' } }, allowed],
    ['a method', 405, { method: 'PURGE', path: '/BUCKET/x' }, refused],
    ['a store that says nothing', 504, { path: '/BUCKET/silent' }, allowed],
    ['a store that is not there', 502, { path: '/BUCKET/x' }, allowed],
  ])('for %s (%i) carries no CORS headers in report mode', async (what, status, { path, ...more }, line) => {
    const serving = what === 'a store that is not there' ? down : up
    const ask = (bucket: string): Promise<Answered> => {
      const named = Object.entries({ ...origin, ...more.headers }).map(
        ([name, value]) => [name, value.replace('BUCKET', bucket)] as const,
      )
      return serving.send({
        ...more,
        path: path.replace('BUCKET', bucket),
        headers: Object.fromEntries(named),
      })
    }
    const reported = await ask('photos')
    expect(reported).toMatchObject({ status, body: expect.stringContaining('<Error>') })
    expect(corsNames(reported)).toEqual([])
    // The same for a bucket that is not in report mode.
    const enforced = await ask('videos')
    expect(enforced.status).toBe(status)
    expect(corsNames(enforced)).toContain(line)
  })

  test('is the response to a preflight whose store is unreachable', async () => {
    const options = { method: 'OPTIONS', headers: preflight('https://example.com') }
    const reported = await down.send({ ...options, path: '/photos/x' })
    expect(reported).toMatchObject({ status: 502, body: expect.stringContaining('<Code>BadGateway</Code>') })
    expect(corsNames(reported)).toEqual([])
    expect(await down.send({ ...options, path: '/videos/x' })).toMatchObject({ status: 200 })
  })
})

describe('the decision of our rules', () => {
  test('is counted and logged with mode="report", and nothing of it with "enforce"', async () => {
    const serving = await serveInTest({ rules: { ...files, '_default.yaml': files['photos.yaml'] }, store })
    const origin = 'https://evil.example'
    const options = (path: string, headers: Record<string, string>): Promise<Answered> =>
      serving.send({ method: 'OPTIONS', path, headers })
    await options('/photos/a', preflight('https://example.com', 'PUT', 'content-type'))
    await options('/photos/b', preflight(origin))
    await options('/photos/c', preflight('https://example.com', 'DELETE'))
    await options('/photos/d', preflight('https://example.com', 'PUT', 'x-secret'))
    await options('/photos/e', { Origin: 'https://example.com' })
    await serving.send({ path: '/photos/f', headers: { Origin: 'https://example.com' } })
    await serving.send({ path: '/photos/g', headers: { Origin: origin } })
    await serving.send({ path: '/photos/h' })
    await options('/nobody/i', preflight(origin))
    await options('/videos/j', preflight(origin))

    const counted = (line: string): string => `cors_sidecar_decisions_total{${line}} 1`
    const lines = await eventually(
      () => serving.metrics('decisions_total'),
      (found) => found.length === 9,
    )
    expect([...lines].sort()).toEqual(
      [
        'bucket="photos",kind="preflight",decision="allow",reason="matched",mode="report"',
        'bucket="photos",kind="preflight",decision="deny",reason="origin",mode="report"',
        'bucket="photos",kind="preflight",decision="deny",reason="method",mode="report"',
        'bucket="photos",kind="preflight",decision="deny",reason="header",mode="report"',
        'bucket="photos",kind="preflight",decision="deny",reason="malformed",mode="report"',
        'bucket="photos",kind="actual",decision="allow",reason="matched",mode="report"',
        'bucket="photos",kind="actual",decision="deny",reason="origin",mode="report"',
        'bucket="_other",kind="preflight",decision="deny",reason="origin",mode="report"',
        'bucket="videos",kind="preflight",decision="deny",reason="origin",mode="enforce"',
      ]
        .map(counted)
        .sort(),
    )
    expect(await serving.metrics('rule_matches_total')).toEqual([
      'cors_sidecar_rule_matches_total{bucket="photos",rule="web"} 2',
    ])

    const logged = (await serving.stop()).filter(({ msg }) => msg === 'request')
    const row = ({ 'url.path': path, ...line }: LogLine): unknown[] => [
      path,
      line.decision,
      line.reason,
      line.mode,
      line.rule ?? line.closest_rule,
      line['http.response.status_code'],
    ]
    expect(logged.map(row)).toEqual([
      ['/photos/a', 'allow', 'matched', 'report', 'web', 204],
      ['/photos/b', 'deny', 'origin', 'report', 'web', 204],
      ['/photos/c', 'deny', 'method', 'report', 'web', 204],
      ['/photos/d', 'deny', 'header', 'report', 'web', 204],
      ['/photos/e', 'deny', 'malformed', 'report', undefined, 204],
      ['/photos/f', 'allow', 'matched', 'report', 'web', 200],
      ['/photos/g', 'deny', 'origin', 'report', 'web', 200],
      ['/photos/h', undefined, undefined, undefined, undefined, 200],
      ['/nobody/i', 'deny', 'origin', 'report', 'web', 204],
      ['/videos/j', 'deny', 'origin', 'enforce', 'web', 403],
    ])
  })

  test('is applied from the reload that removes the mode from the file', async () => {
    const serving = await serveInTest({ rules: files, store })
    const ask = (): Promise<Answered> =>
      serving.send({ method: 'OPTIONS', path: '/photos/a', headers: preflight('https://evil.example') })
    expect((await ask()).status).toBe(204)
    await writeFile(join(serving.directory, 'photos.yaml'), rules)
    expect(await serving.admin('/-/reload', 'POST')).toMatchObject({ status: 200 })
    const refused = await ask()
    expect(refused.status).toBe(403)
    expect(corsNames(refused)).toEqual(['Vary: Origin'])
    const lines = await eventually(
      () => serving.metrics('decisions_total'),
      (found) => found.length > 0,
    )
    expect(lines).toEqual([
      'cors_sidecar_decisions_total{bucket="photos",kind="preflight",decision="deny",reason="origin",mode="enforce"} 1',
    ])
  })

  test("is in a separate header with --debug-headers, next to the store's", async () => {
    const serving = await serveInTest({ rules: files, store, flags: ['--debug-headers'] })
    const answered = await serving.send({ path: '/photos/a', headers: { Origin: 'https://evil.example' } })
    expect(corsNames(answered)).toEqual([
      ...texts(ownCors).filter((line) => !line.startsWith('X-Own')),
      'x-cors-sidecar-decision: denied; reason=origin; rule=web',
    ])
  })
})
