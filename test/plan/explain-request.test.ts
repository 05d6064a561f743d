import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { isoTime } from '../../src/auth/timestamp.ts'
import { presets } from '../../src/cors/presets.ts'
import type { RuleFile } from '../../src/cors/rule.ts'
import { browserHeaderList, explainRequest, type RequestQuestion } from '../../src/plan/explain-request.ts'
import type { Explained } from '../../src/plan/explained.ts'
import type { Setup } from '../../src/plan/judge.ts'
import { type LoadedFile, nextSnapshot, nothingLoaded, type Snapshot } from '../../src/plan/snapshot.ts'
import { shellWord } from '../../src/text/shell-word.ts'

const setup: Setup = {
  dialect: 'cos',
  hostSuffixes: ['s3.example.net'],
  unconfigured: 'refuse',
  bucketCorsApi: 'read',
  debugHeaders: false,
}
const identity = {
  unixSeconds: 1_700_000_000,
  node: 1,
  process: 2,
  sequence: 3,
  isoTime,
  randomHex: (length: number) => 'a'.repeat(length),
}

function loaded(bucket: string, content: Partial<RuleFile> | undefined): LoadedFile {
  const whole: RuleFile = {
    rules: [],
    vary: 'auto',
    responseVary: false,
    mode: 'enforce',
    hosts: [],
    tests: [],
  }
  return {
    file: `${bucket}.yaml`,
    bucket,
    hash: JSON.stringify(content ?? 'bad'),
    content: content === undefined ? undefined : { ...whole, ...content },
    findings:
      content === undefined
        ? [
            {
              file: `${bucket}.yaml`,
              line: 3,
              column: 5,
              severity: 'error',
              code: 'unknown-key',
              message: 'unknown key',
            },
          ]
        : [],
  }
}

const web: RuleFile['rules'][number] = {
  id: 'web',
  allowedOrigins: ['https://example.com'],
  allowedMethods: ['GET', 'PUT'],
  allowedHeaders: ['content-type'],
  exposeHeaders: ['ETag'],
  maxAgeSeconds: 600,
}

const snapshotOf = (...files: LoadedFile[]): Snapshot => nextSnapshot(nothingLoaded, files, 'cos', 1)
const photos = snapshotOf(loaded('photos', { rules: [web] }))

function explained(
  question: Partial<RequestQuestion>,
  snapshot = photos,
  more: Partial<Setup> = {},
): Explained {
  const answer = explainRequest(
    { snapshot, setup: { ...setup, ...more }, identity, endpoint: 'http://localhost:8080' },
    {
      to: { kind: 'bucket', bucket: 'photos', path: '/cat.jpg' },
      origin: 'https://example.com',
      method: 'PUT',
      requestedHeaders: 'content-type',
      actual: false,
      ...question,
    },
  )
  if (answer.kind === 'unusable') throw new Error(answer.message)
  return answer.explained
}

describe('explainRequest', () => {
  test('shows the exact answer of an allowed preflight and the curl line that asks for it', () => {
    const answer = explained({})
    const { response, curl, bucket, notes } = answer
    expect(bucket).toBe('photos')
    expect(answer).toMatchObject({ decision: 'allow', reason: 'matched', rule: 'web' })
    expect(notes).toEqual([])
    expect(response).toEqual({
      kind: 'answer',
      status: 200,
      headers: [
        ['Access-Control-Allow-Credentials', 'true'],
        ['Access-Control-Allow-Headers', 'content-type'],
        ['Access-Control-Allow-Methods', 'GET,PUT'],
        ['Access-Control-Allow-Origin', 'https://example.com'],
        ['Access-Control-Expose-Headers', 'ETag'],
        ['Access-Control-Max-Age', '600'],
        ['Vary', 'Origin'],
        ['Server', 'tencent-cos'],
        ['x-cos-request-id', expect.any(String)],
        ['Content-Length', '0'],
      ],
      body: '',
    })
    expect(curl).toBe(
      "curl -i -X OPTIONS -H 'Origin: https://example.com' -H 'Access-Control-Request-Method: PUT' -H 'Access-Control-Request-Headers: content-type' http://localhost:8080/photos/cat.jpg",
    )
  })

  test('says what the closest rule lacks, and whose file a change belongs in', () => {
    const answer = explained({ requestedHeaders: 'content-type,x-amz-date' })
    expect(answer).toMatchObject({
      decision: 'deny',
      reason: 'header',
      rule: 'web',
      lacks: { field: 'allowedHeaders', value: 'x-amz-date' },
    })
    expect(answer.owner).toBe('photos')
    expect(answer.response).toMatchObject({ kind: 'answer', status: 403 })
  })

  test('shows the header changes of the response to an actual request', () => {
    expect(explained({ actual: true, method: 'GET' }).response).toEqual({
      kind: 'decorated',
      strip: true,
      headers: [
        ['Access-Control-Allow-Credentials', 'true'],
        ['Access-Control-Allow-Methods', 'GET,PUT'],
        ['Access-Control-Allow-Origin', 'https://example.com'],
        ['Access-Control-Expose-Headers', 'ETag'],
        ['Access-Control-Max-Age', '600'],
      ],
      vary: ['Origin'],
    })
  })

  test('says that an actual request which no rule matches is served all the same', () => {
    const answer = explained({ actual: true, method: 'DELETE' })
    expect(answer).toMatchObject({ decision: 'deny', reason: 'method' })
    expect(answer.response).toMatchObject({ kind: 'decorated', headers: [] })
    expect(answer.notes).toEqual([expect.stringContaining('is served, but without CORS headers')])
  })

  test.each([
    ['GET', 'curl -i -H'],
    ['HEAD', 'curl -i --head -H'],
    ['PUT', 'curl -i -X PUT -H'],
  ])('writes the curl line of an actual %s', (method, start) => {
    const { curl, curlWrites } = explained({ actual: true, method })
    expect(curl.startsWith(start)).toBe(true)
    expect(curlWrites).toBe(method === 'PUT')
  })

  test('finds the bucket from Host as for any request', () => {
    const { bucket, curl, request } = explained({
      to: { kind: 'host', host: 'photos.s3.example.net', path: '/cat.jpg' },
    })
    expect(bucket).toBe('photos')
    expect(request.target).toBe('/cat.jpg')
    expect(curl).toContain("-H 'Host: photos.s3.example.net'")
  })

  test('explains the named bucket even if the host of the endpoint belongs to another one', () => {
    const other = snapshotOf(loaded('photos', { rules: [web] }), loaded('other', { hosts: ['localhost'] }))
    expect(explained({}, other)).toMatchObject({ bucket: 'photos', decision: 'allow' })
  })

  test('names the owner of the rules for a bucket without a file, and for one with an error', () => {
    const nobody = explained({ to: { kind: 'bucket', bucket: 'nobody' } })
    expect(nobody).toMatchObject({ decision: 'deny', reason: 'no_rules' })
    expect(nobody.owner).toBe('nobody')
    const broken = explained({}, snapshotOf(loaded('photos', undefined)))
    expect(broken.owner).toBe('photos')
    expect(broken.notes).toEqual([
      'photos.yaml has an error, so no rules are served (line 3, column 5: unknown key).',
    ])
  })

  test('says if the rules are last good ones, those of _default, or in report mode', () => {
    const stale = nextSnapshot(photos, [loaded('photos', undefined)], 'cos', 2)
    expect(explained({}, stale).notes).toEqual([expect.stringContaining('last good rules')])
    const fallback = snapshotOf(loaded('_default', { rules: [web] }))
    expect(explained({}, fallback).notes).toEqual([expect.stringContaining('so _default.yaml applies')])
    const report = snapshotOf(loaded('photos', { rules: [web], mode: 'report' }))
    const reported = explained({}, report)
    expect(reported.notes).toEqual([expect.stringContaining('report mode')])
    expect(reported).toMatchObject({
      mode: 'report',
      response: { kind: 'decorated', strip: false, headers: [] },
    })
    const left = explained({ to: { kind: 'bucket', bucket: 'nobody' } }, photos, { unconfigured: 'forward' })
    expect(left.notes).toEqual([expect.stringContaining('the store handles CORS')])
  })

  test('names the defect of a request that is refused before any rule is checked', () => {
    const { notes, response, curl } = explained({ to: { kind: 'bucket', bucket: 'photos', path: '/../x' } })
    expect(notes).toEqual([expect.stringContaining('dot segment')])
    expect(response).toMatchObject({ kind: 'answer', status: 400 })
    expect(curl).toContain('--path-as-is')
  })

  test.each([
    ['s3.example.net', '/', 'The request names no bucket, and there is no _service.yaml, whose'],
    ['s3.example.net', '/_x/k', 'The first segment of the path cannot be a bucket name, so no'],
    ['_x.s3.example.net', '/k', 'The part of Host before the host suffix cannot be a bucket name, so no'],
    ['s3.example.net', '/Photos/k', 'The name of the bucket differs from photos only by case or'],
    ['s3.example.net', '/a/../b', 'The request is refused before any rule is checked.'],
    ['photos.s3.example.net.', '/k', 'The request is refused before any rule is checked.'],
  ])('says why no rules apply to %s %s', (host, path, text) => {
    const answer = explained({ to: { kind: 'host', host, path } })
    expect(answer).toMatchObject({ reason: 'no_rules', text: expect.stringContaining(text) })
  })

  test('points out the bucket that a preflight without Origin nearly names', () => {
    const { notes } = explained({ to: { kind: 'bucket', bucket: 'Photos' }, origin: undefined })
    expect(notes).toEqual([expect.stringContaining('differs from photos only by case')])
  })

  test('writes out the values that a rule gets from a preset', () => {
    const { allowedMethods, allowedHeaders, exposeHeaders } = presets['public-read']
    const open = {
      id: 'open',
      preset: 'public-read',
      allowedOrigins: ['https://example.com'],
      allowedMethods,
      allowedHeaders,
      exposeHeaders,
      maxAgeSeconds: 60,
    }
    const snapshot = snapshotOf(loaded('photos', { rules: [open] }))
    const note =
      'Rule open takes from preset public-read: allowedMethods: GET, HEAD; allowedHeaders: range; exposeHeaders: none.'
    expect(explained({ method: 'GET', requestedHeaders: undefined }, snapshot).preset).toBe(note)
    expect(explained({ method: 'PUT' }, snapshot).preset).toBe(note)
    expect(explained({}).preset).toBeUndefined()
  })

  test('encodes what cannot stand in a request target', () => {
    const { request } = explained({
      to: { kind: 'bucket', bucket: 'photos', path: '/a b/腾讯%20.jpg\ud800' },
    })
    expect(request.target).toBe('/photos/a%20b/%E8%85%BE%E8%AE%AF%20.jpg%EF%BF%BD')
  })

  test('explains a preflight without Origin', () => {
    expect(explained({ origin: undefined })).toMatchObject({
      decision: 'deny',
      reason: 'malformed',
    })
  })

  test.each<[string, Partial<RequestQuestion>]>([
    ['a bucket name', { to: { kind: 'bucket', bucket: '../etc' } }],
    ['a bucket name', { to: { kind: 'bucket', bucket: '_default' } }],
    ['a path without slash', { to: { kind: 'bucket', bucket: 'photos', path: 'cat.jpg' } }],
    ['a line break in Origin', { origin: 'https://example.com\r\nX: y' }],
    ['a NUL in Host', { to: { kind: 'host', host: 'a\0b', path: '/' } }],
    ['an actual request without Origin', { actual: true, origin: undefined }],
    ['an actual request without method', { actual: true, method: undefined }],
    ['a method that is no token', { actual: true, method: 'GET /' }],
    ['OPTIONS as an actual request', { actual: true, method: 'OPTIONS' }],
  ])('constructs no request from %s', (_what, question) => {
    expect(() => explained(question)).toThrow()
  })

  test('in dialect http says of an OPTIONS request without Origin that it is no CORS request', () => {
    const question = { to: { kind: 'bucket', bucket: 'files' }, origin: undefined, method: 'GET' } as const
    const files = loaded('files', { dialect: 'http', rules: [] })
    const snapshot = nextSnapshot(nothingLoaded, [files], 'cos', 0)
    const context = { snapshot, setup, identity, endpoint: 'http://localhost:8080' }
    expect(explainRequest(context, { ...question, requestedHeaders: undefined, actual: false })).toEqual({
      kind: 'unusable',
      message: expect.stringContaining('without Origin'),
    })
  })
})

test('lists header names as a browser does', () => {
  expect(browserHeaderList(['X-B', ' content-type ', 'x-a', 'X-A', ''])).toBe('content-type,x-a,x-b')
  expect(browserHeaderList([])).toBeUndefined()
})

test.each([
  'plain',
  'a b',
  "it's",
  '$(id)`id`"',
  '\\',
  "'; rm -rf / #",
  '腾讯',
  '!x',
  '~root',
  '*',
  '',
])('quotes %j as one word of a shell', (text) => {
  const output = execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })
  expect(output).toBe(text)
})
