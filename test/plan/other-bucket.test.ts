import { describe, expect, test } from 'vitest'
import type { RuleFile } from '../../src/cors/rule.ts'
import { explainRequest } from '../../src/plan/explain-request.ts'
import type { Setup } from '../../src/plan/judge.ts'
import { type Plan, plan } from '../../src/plan/plan.ts'
import { facts, headerMap, identity, rule, ruleFile, snapshotOf, setup as usual } from '../core.ts'

/**
 * `public` allows both origins, `private` only app. A store may open either, whichever one the request addresses.
 */
const evil = 'https://evil.example'
const app = 'https://app.example'
const open = (parts: Partial<RuleFile> = {}) =>
  ruleFile({ rules: [rule({ allowedOrigins: [evil, app], allowedMethods: ['GET', 'PUT'] })], ...parts })
const closed = (parts: Partial<RuleFile> = {}) =>
  ruleFile({ rules: [rule({ allowedOrigins: [app], allowedMethods: ['GET', 'PUT'] })], ...parts })

const setup: Setup = { ...usual, hostSuffixes: ['store.test', 'deep.store.test'] }

const snapshot = snapshotOf({
  public: open({ hosts: ['cdn.example.org'] }),
  private: closed(),
  'public.deep': closed(),
  _default: open(),
})

const ask = (
  host: string,
  target: string,
  origin: string,
  { method = 'GET', rules = snapshot, more = {} }: Asked = {},
): Plan => {
  const lines = ['Host', host, 'Origin', origin]
  const preflight = method === 'OPTIONS' ? ['Access-Control-Request-Method', 'GET'] : []
  return plan(rules, { ...setup, ...more }, facts(method, target, [...lines, ...preflight]), identity)
}

interface Asked {
  readonly method?: string
  readonly rules?: typeof snapshot
  readonly more?: Partial<Setup>
}

function allowedOrigin(planned: Plan): readonly string[] | undefined {
  const lines = planned.act === 'answer' ? planned.response.headers : planned.patch.add
  return headerMap(lines).get('access-control-allow-origin')
}

const risky = [
  ['cdn.example.org', '/private/secret'],
  ['cdn.example.org', '//private/secret'],
  ['cdn.example.org', '/%70rivate/secret'],
  ['public.store.test', '/private/secret'],
  ['public.store.test', '/private'],
  ['unknown.store.test', '/private/secret'],
  ['public.deep.store.test', '/k'],
] as const

describe('a Host-named request that a store may open in another bucket', () => {
  test.each(risky)('%s %s: gets what both buckets allow', (host, target) => {
    for (const method of ['GET', 'PUT', 'OPTIONS']) {
      expect(allowedOrigin(ask(host, target, evil, { method }))).toBeUndefined()
      expect(allowedOrigin(ask(host, target, app, { method }))).toEqual([app])
    }
    const preflight = ask(host, target, evil, { method: 'OPTIONS' })
    expect(preflight).toMatchObject({ act: 'answer', response: { status: 403 } })
  })

  test.each([
    ['cdn.example.org', '/Private/secret'],
    ['public.store.test', '/private./secret'],
    ['public.store.test', '/private%20/secret'],
  ])('%s %s: a name close to a configured one gets nothing', (host, target) => {
    for (const origin of [evil, app])
      for (const method of ['GET', 'OPTIONS'])
        expect(allowedOrigin(ask(host, target, origin, { method }))).toBeUndefined()
  })

  test.each([
    ['cdn.example.org', '/photos/private/k'],
    ['cdn.example.org', '/public/k'],
    ['public.store.test', '/k?prefix=/private/'],
  ])('%s %s: other keys get what the bucket of the Host allows', (host, target) => {
    expect(allowedOrigin(ask(host, target, evil))).toEqual([evil])
  })

  test('is left to the store only when both buckets are', () => {
    const report = snapshotOf({ public: open({ mode: 'report' }), private: closed() })
    expect(ask('public.store.test', '/private/k', evil, { rules: report }).judgement.handsOff).toBe(false)
    expect(ask('public.store.test', '/k', evil, { rules: report }).judgement.handsOff).toBe(true)
    const forward = { unconfigured: 'forward' } as const
    const asked = { rules: snapshotOf({ private: closed() }), more: forward }
    expect(ask('unknown.store.test', '/private/k', evil, asked)).toMatchObject({ patch: { strip: true } })
    expect(ask('unknown.store.test', '/k', evil, asked)).toMatchObject({ patch: { strip: false } })
  })

  test.each([
    ['cdn.example.org', '/private/secret', 'private'],
    // Host names both, so the path does not matter.
    ['public.deep.store.test', '/k', 'public.deep'],
    // No bucket has this name, so it has no rules.
    ['cdn.example.org', '/Private/secret', 'Private'],
  ])('%s %s: is explained by the other bucket, and no rule is proposed', (host, path, other) => {
    const answer = explainRequest(
      { snapshot, setup, identity, endpoint: 'http://localhost:8080' },
      {
        to: { kind: 'host', host, path },
        origin: evil,
        method: 'GET',
        requestedHeaders: undefined,
        actual: true,
      },
    )
    if (answer.kind !== 'explained') throw new Error(answer.message)
    expect(answer.explained).toMatchObject({
      decision: 'deny',
      owner: undefined,
      text: `The store may read this request as a request for bucket ${other}, and no rule of that bucket allows it. Use a Host and path that name only one bucket.`,
    })
  })
})

describe('a name that differs from a configured bucket by case or trailing dots', () => {
  test.each([
    '/Private/secret',
    '/PRIVATE/secret',
    '/private./secret',
    '/private%2e/secret',
    '/privat%45/k',
  ])('%s gets neither _default nor the CORS headers of the store', (target) => {
    for (const origin of [evil, app])
      for (const unconfigured of ['refuse', 'forward'] as const)
        for (const method of ['GET', 'OPTIONS']) {
          const planned = ask('localhost', target, origin, { method, more: { unconfigured } })
          expect(allowedOrigin(planned)).toBeUndefined()
          expect(planned.judgement.handsOff).toBe(false)
          if (method === 'GET')
            expect(planned).toMatchObject({ act: 'forward', target, patch: { strip: true } })
        }
  })

  test('is no bucket of the CORS API', () => {
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(ask('localhost', '/Private?cors', app, { method, more: { bucketCorsApi: 'write' } }).act).toBe(
        'forward',
      )
  })

  test('is pointed out once', () => {
    const explained = explainRequest(
      { snapshot, setup, identity, endpoint: 'http://localhost:8080' },
      {
        to: { kind: 'bucket', bucket: 'Private' },
        origin: app,
        method: 'GET',
        requestedHeaders: undefined,
        actual: false,
      },
    )
    if (explained.kind !== 'explained') throw new Error(explained.message)
    expect(explained.explained.text).toBe(
      'The name of the bucket differs from private only by case or trailing dots, so no rules apply to it. Write it as private.',
    )
    expect(explained.explained.notes).toEqual([])
  })
})
