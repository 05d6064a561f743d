import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createReplay } from '../../src/compare/replay.ts'
import { createSuggest, type Suggested } from '../../src/compare/suggest.ts'
import { nextSnapshot, nothingLoaded, type Snapshot } from '../../src/plan/snapshot.ts'
import { convert } from '../../src/rule-file/convert.ts'
import { readRules } from '../../src/rule-file/read.ts'

interface Asked {
  readonly bucket: string
  readonly origin: string
  readonly method: string
  /** `undefined`: the actual request, not its preflight. */
  readonly headers: string | undefined
}

/** The log line of `serve` for a request that it refused. */
function lineOf({ bucket, origin, method, headers }: Asked): string {
  const preflight = headers !== undefined
  return JSON.stringify({
    msg: 'request',
    'url.path': `/${bucket}/cat.jpg`,
    'http.request.method': preflight ? 'OPTIONS' : method,
    'server.address': 'localhost',
    bucket,
    kind: preflight ? 'preflight' : 'actual',
    decision: 'deny',
    reason: 'no_rules',
    mode: 'enforce',
    'http.request.header.origin': [origin],
    ...(preflight ? { 'http.request.header.access-control-request-method': [method] } : {}),
    ...(preflight && headers !== ''
      ? { 'http.request.header.access-control-request-headers': [headers] }
      : {}),
  })
}

function suggest(lines: readonly string[], minRequests = 3): Suggested {
  const suggesting = createSuggest({
    minRequests,
    dialect: 's3',
    hosts: new Map(),
    hostSuffixes: [],
    isAllowed: () => false,
  })
  for (const line of lines) suggesting.take(line)
  return suggesting.result()
}

function textsOf({ suggestions }: Suggested): ReadonlyMap<string, string> {
  return new Map(suggestions.map(({ bucket, file }) => [bucket, convert(file, 'yaml', 's3').text]))
}

function snapshotOf(texts: ReadonlyMap<string, string>): Snapshot {
  const files = [...texts].map(([bucket, text]) => {
    const { content, findings } = readRules(`${bucket}.yaml`, new TextEncoder().encode(text), 's3')
    return { file: `${bucket}.yaml`, bucket, hash: text, content, findings }
  })
  return nextSnapshot(nothingLoaded, files, 's3', 0)
}

const worst = (text: string): readonly string[] =>
  readRules('photos.yaml', new TextEncoder().encode(text), 's3')
    .findings.filter(({ severity }) => severity !== 'info')
    .map(({ code, message }) => `${code}: ${message}`)

const times = (count: number, asked: Asked): string[] => Array.from({ length: count }, () => lineOf(asked))

describe('suggested rules', () => {
  test('origins that do the same share a rule, and each has a test', () => {
    const put = { bucket: 'photos', method: 'PUT', headers: 'content-type' }
    const result = suggest([
      ...times(4, { ...put, origin: 'https://a.example' }),
      ...times(3, { ...put, origin: 'https://b.example' }),
      ...times(3, { bucket: 'photos', origin: 'https://c.example', method: 'GET', headers: undefined }),
    ])
    expect(
      textsOf(result)
        .get('photos')
        ?.replace(/^#.*\n/, ''),
    ).toBe(`rules:
  - id: a-example
    allowedOrigins: ["https://a.example", "https://b.example"]
    allowedMethods: [PUT]
    allowedHeaders: [content-type]
    exposeHeaders: [ETag]
    maxAgeSeconds: 600
  - id: c-example
    allowedOrigins: ["https://c.example"]
    allowedMethods: [GET]
    maxAgeSeconds: 600
tests:
  - {origin: "https://a.example", method: PUT, headers: [content-type], expect: allow}
  - {origin: "https://b.example", method: PUT, headers: [content-type], expect: allow}
  - {origin: "https://c.example", method: GET, expect: allow}
  - {origin: "https://not-listed.example", method: PUT, expect: deny}
`)
    expect(result.suggestions[0]?.origins.map(({ requests, refused }) => [requests, refused])).toEqual([
      [4, 4],
      [3, 3],
      [3, 3],
    ])
  })

  test.each([
    [
      'aws-sdk-js-v3',
      'amz-sdk-invocation-id,amz-sdk-request,authorization,content-type,x-amz-content-sha256,x-amz-date',
    ],
    ['cos-js-sdk-v5', 'authorization,x-cos-security-token'],
    ['ali-oss', 'authorization,x-oss-date,x-oss-user-agent'],
  ])('headers of %s become the preset, with the methods that were seen', (preset, headers) => {
    const result = suggest(
      times(3, { bucket: 'photos', origin: 'https://a.example', method: 'PUT', headers }),
    )
    const text = textsOf(result).get('photos') ?? ''
    expect(text).toContain(`preset: ${preset}\n`)
    expect(text).toContain('allowedMethods: [PUT]\n')
    expect(text).not.toContain('allowedHeaders')
    expect(worst(text)).toEqual([])
  })

  test.each([
    [
      'a rare origin',
      times(2, { bucket: 'b', origin: 'https://a.example', method: 'GET', headers: '' }),
      'few',
    ],
    [
      'the origin null',
      times(3, { bucket: 'b', origin: 'null', method: 'GET', headers: '' }),
      'origin-null-prohibited',
    ],
    [
      'a page of http',
      times(3, { bucket: 'b', origin: 'http://a.example', method: 'GET', headers: '' }),
      'origin-insecure-with-credentials',
    ],
    [
      'a response header that the page sets',
      times(3, {
        bucket: 'b',
        origin: 'https://a.example',
        method: 'GET',
        headers: 'access-control-allow-origin',
      }),
      'not-allowable',
    ],
  ])('%s is left out and listed', (_, lines, why) => {
    expect(suggest(lines)).toMatchObject({ suggestions: [], leftOut: [{ bucket: 'b', why }] })
  })

  test('a scanner that sends many origins does not make the suggested file too large to load', () => {
    const origins = Array.from({ length: 3000 }, (_, index) => `https://${'x'.repeat(60)}${index}.example`)
    const result = suggest(
      origins.flatMap((origin) => times(3, { bucket: 'b', origin, method: 'GET', headers: 'x-a' })),
    )
    expect(worst(textsOf(result).get('b') ?? '')).toEqual([])
    expect(result.suggestions[0]?.origins.length).toBeGreaterThan(10)
    expect(result.leftOut.every(({ why }) => why === 'too-many')).toBe(true)
  })

  test('logs of nginx and MinIO are read', () => {
    const nginx = {
      request_method: 'OPTIONS',
      request_uri: '/photos/a?x=1',
      http_host: 'h',
      http_origin: 'https://a.example',
      http_access_control_request_method: 'PUT',
      http_access_control_request_headers: 'content-type',
    }
    const minio = {
      version: '1',
      api: { name: 'PutObject', bucket: 'photos' },
      requestPath: '/photos/b',
      requestHost: 'h',
      requestHeader: {
        Origin: 'https://m.example',
        'Content-Type': 'image/png',
        'User-Agent': 'x',
        'X-Amz-Date': 'x',
      },
    }
    const plain = { request_method: 'GET', request_uri: '/photos/a', http_host: 'h', http_origin: '-' }
    const result = suggest(
      [nginx, nginx, nginx, minio, minio, minio, plain].map((line) => JSON.stringify(line)),
    )
    expect(result.suggestions[0]?.origins).toMatchObject([
      {
        origin: 'https://a.example',
        requests: 3,
        refused: 0,
        methods: new Set(['PUT']),
        headers: new Set(['content-type']),
      },
      {
        origin: 'https://m.example',
        requests: 3,
        refused: 0,
        methods: new Set(['PUT']),
        headers: new Set(['content-type', 'x-amz-date']),
      },
    ])
    expect(result.unused['no-cors']).toBe(1)
    expect(worst(textsOf(result).get('photos') ?? '')).toEqual([])
  })
})

/** Few values, so that origins repeat; some origins, methods and headers that no rule may allow. */
const asked = fc.record({
  bucket: fc.constantFrom('photos', 'docs'),
  origin: fc.constantFrom(
    'https://a.example',
    'https://b.example:8443',
    'http://localhost:5173',
    'null',
    'http://a.example',
    'https://evil.github.io',
    'app://x',
    'https://A.example',
  ),
  method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'),
  headers: fc.option(
    fc
      .uniqueArray(
        fc.constantFrom(
          'content-type',
          'range',
          'authorization',
          'x-amz-date',
          'amz-sdk-request',
          'x-cos-acl',
          'x-custom',
          'access-control-allow-origin',
          'cookie',
        ),
        { maxLength: 4 },
      )
      .map((names) => names.join(',')),
    { nil: undefined },
  ),
})

test('a replay of the log allows what was chosen and nothing else, and check finds nothing', () => {
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 60 }), (requests) => {
      const result = suggest(requests.map(lineOf))
      const texts = textsOf(result)
      for (const text of texts.values()) expect(worst(text)).toEqual([])
      const chosen = new Set(
        result.suggestions.flatMap(({ origins }) =>
          origins.map(({ bucket, origin }) => `${bucket} ${origin}`),
        ),
      )
      const setup = {
        dialect: 's3',
        hostSuffixes: [],
        unconfigured: 'refuse',
        bucketCorsApi: 'off',
        debugHeaders: false,
      } as const
      const snapshot = snapshotOf(texts)
      for (const request of requests) {
        const replay = createReplay({ snapshot, setup })
        replay.take(lineOf(request))
        const { changed, skipped } = replay.result()
        // Requests that are refused before any rule is checked.
        if (skipped.refused + skipped.incomplete > 0) continue
        const isAllowable =
          request.method !== 'PATCH' &&
          !/access-control|cookie/.test(request.headers ?? '') &&
          chosen.has(`${request.bucket} ${request.origin}`)
        expect([request, changed.allowed]).toEqual([request, isAllowable ? 1 : 0])
      }
    }),
    { numRuns: 200 },
  )
})
