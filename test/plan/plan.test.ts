import { describe, expect, test } from 'vitest'
import { vendorMatching } from '../../src/cors/rule.ts'
import type { HeaderLines, PlainResponse } from '../../src/http.ts'
import type { Setup } from '../../src/plan/judge.ts'
import { type Plan, plan } from '../../src/plan/plan.ts'
import { servedMethods } from '../../src/plan/served-methods.ts'
import type { Snapshot } from '../../src/plan/snapshot.ts'
import { facts, headerMap, identity, rule, ruleFile, setup, snapshotOf } from '../core.ts'

const origin = 'https://example.com'
const asking = ['Origin', origin, 'Access-Control-Request-Method', 'GET'] as const

function planned(
  snapshot: Snapshot,
  [method, target]: readonly [method: string, target: string],
  headers: HeaderLines,
  options: Partial<Setup> = {},
): Plan {
  const host = headers.includes('Host') ? [] : ['Host', 'store.test']
  return plan(snapshot, { ...setup, ...options }, facts(method, target, [...host, ...headers]), identity)
}

function answered(...parts: Parameters<typeof planned>): PlainResponse {
  const done = planned(...parts)
  if (done.act !== 'answer') throw new Error(`not requested: ${done.act}`)
  return done.response
}

describe('errors that are answered here', () => {
  const photos = snapshotOf({ photos: ruleFile() })

  test.each([
    ['an unknown expectation', ['Expect', 'miracles'], 417],
    ['two Origin lines', ['Origin', origin], 400],
    ['Connection that names Origin', ['Connection', 'origin'], 400],
  ])('a preflight that is refused for %s varies by Origin like every response of its bucket', (_, more, status) => {
    const answer = answered(photos, ['OPTIONS', '/photos/k'], [...asking, ...more])
    const headers = headerMap(answer.headers)
    expect(answer.status).toBe(status)
    expect(headers.get('vary')).toEqual(['Origin'])
    expect(headers.has('access-control-allow-origin')).toBe(false)
  })

  test('a refused preflight of a bucket without rules has no Vary: Origin with --unconfigured forward', () => {
    const report = snapshotOf({ photos: ruleFile({ mode: 'report' }) })
    for (const snapshot of [report, snapshotOf({})]) {
      const answer = answered(snapshot, ['OPTIONS', '/photos/k'], [...asking, 'Expect', 'x'], {
        unconfigured: 'forward',
      })
      expect(headerMap(answer.headers).has('vary')).toBe(false)
    }
  })

  test.each([
    ['photos.store.test', 'photos', 'cos'],
    ['other.store.test', '_default', 's3'],
  ])('a target refused on %s is answered by the rules of %s', (host, bucket, dialect) => {
    const both = snapshotOf({ photos: ruleFile(), _default: ruleFile({ dialect: 's3' }) })
    const suffix = { hostSuffixes: ['store.test'] }
    const request = ['Host', host, 'Origin', origin]
    const { response, judgement } = (() => {
      const done = planned(both, ['GET', '/a/../b'], request, suffix)
      if (done.act !== 'answer') throw new Error(`not requested: ${done.act}`)
      return done
    })()
    expect(judgement.policy?.name).toBe(bucket)
    expect(judgement.dialect.name).toBe(dialect)
    expect(headerMap(response.headers).get('access-control-allow-origin')).toEqual([origin])
  })

  test('a target refused on a host that can name no bucket has no rules', () => {
    const fallback = snapshotOf({ _default: ruleFile() })
    const answer = answered(fallback, ['GET', '/a/../b'], ['Host', '_x.store.test', 'Origin', origin], {
      hostSuffixes: ['store.test'],
    })
    expect(headerMap(answer.headers).has('access-control-allow-origin')).toBe(false)
  })

  test('405 says which methods are served', () => {
    const answer = answered(photos, ['TRACE', '/photos/k'], ['Origin', origin])
    expect(answer.status).toBe(405)
    expect(headerMap(answer.headers).get('allow')).toEqual([servedMethods(vendorMatching)])
    expect(servedMethods(vendorMatching)).toContain('GET, HEAD, PUT')
  })
})

describe('the bucket CORS API', () => {
  const photos = snapshotOf({ photos: ruleFile() })
  const write = { bucketCorsApi: 'write' } as const

  test.each([
    'acl',
    'attributes',
    'cname',
    'domaincertificate',
    'httpsConfig',
    'intelligenttiering',
    'legal-hold',
    'metadataTable',
    'metaQuery',
    'session',
    'resourcePool',
  ])('?cors together with %s is refused, because it would be two requests in one', (name) => {
    for (const query of [`cors&${name}`, `${name}=&cors=`, `%63ors&${name}=1`])
      expect(answered(photos, ['GET', `/photos/?${query}`], [], write).status).toBe(400)
  })

  test.each([
    '/photos?cors',
    '/photos/?cors=',
    '/photos/?%63ors',
    '/photos/?&cors&',
    '/photos/?%zz&%&%63%6F%72%73&%',
    '/photos/?cors&X-Amz-Expires=5',
  ])('%s is a call of it', (target) => {
    expect(planned(photos, ['PUT', target], [], write)).toMatchObject({
      act: 'bucket-cors',
      bucket: 'photos',
      target,
    })
  })

  test.each([
    '/photos/?CORS',
    '/photos/?cors%20',
    '/photos/?x=cors',
    '/photos/?x=%63ors&%2563ors&%C3%A7ors&cor%',
    '/photos/k?cors',
    '/photos//?cors',
    '/?cors',
    '/_default/?cors',
    '//photos/?cors',
  ])('%s is forwarded to the store', (target) => {
    expect(planned(photos, ['PUT', target], [], write)).toMatchObject({ act: 'forward', target })
  })

  test.each([
    ['HEAD', 'write', 'GET, PUT, DELETE'],
    ['POST', 'write', 'GET, PUT, DELETE'],
    ['HEAD', 'read', 'GET'],
    ['PUT', 'read', 'GET'],
    ['DELETE', 'read', 'GET'],
  ] as const)('%s with --bucket-cors-api %s is 405, Allow: %s', (method, bucketCorsApi, allow) => {
    const answer = answered(photos, [method, '/photos/?cors'], [], { bucketCorsApi })
    expect(answer.status).toBe(405)
    expect(headerMap(answer.headers).get('allow')).toEqual([allow])
  })

  test('OPTIONS is a preflight for any target', () => {
    expect(answered(photos, ['OPTIONS', '/photos/?cors'], asking, write).status).toBe(200)
  })
})

test('a bucket whose file names a host is never answered by the rules of the path', () => {
  const snapshot = snapshotOf({
    secret: ruleFile({ rules: [], hosts: ['files.test'] }),
    docs: ruleFile({ rules: [rule({ allowedOrigins: ['*'] })] }),
  })
  const answer = answered(snapshot, ['OPTIONS', '/docs/k'], ['Host', 'files.test', ...asking])
  expect(answer.status).toBe(403)
})
