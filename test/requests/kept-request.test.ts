import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judge } from '../../src/plan/judge.ts'
import { outcomeOf } from '../../src/plan/outcome.ts'
import { factsOf, keepRequest, recordOf } from '../../src/requests/kept-request.ts'
import { rule, ruleFile, setup, snapshotOf } from '../core.ts'
import { finished, preflight } from '../finished.ts'

const rules = snapshotOf({
  photos: ruleFile({ rules: [rule({ allowedMethods: ['GET', 'PUT'], allowedHeaders: ['x-*'] })] }),
  videos: ruleFile({ rules: [rule({ allowedOrigins: ['*'] })], mode: 'report', hosts: ['v.test'] }),
})

const keep = (sent: Parameters<typeof finished>[1]): ReturnType<typeof keepRequest> => {
  const { facts, plan } = finished(rules, sent)
  return keepRequest(facts, plan, 1)
}

describe('a request that is kept', () => {
  test('gives the same decision as the request, unless a part that matters was cut', () => {
    const bucket = fc.constantFrom('photos', 'videos', 'nobody', 'pho%74os', 'x'.repeat(600))
    const path = fc
      .tuple(
        bucket,
        fc.webPath(),
        fc.constantFrom('', '/'.repeat(600), '%41'.repeat(400), '?q=%zz&token=secret'),
      )
      .map(([first, rest, end]) => `/${first}${rest}${end}`)
    const origin = fc.constantFrom('https://example.com', 'null', 'x y', `https://${'a'.repeat(600)}`, '')
    const method = fc.constantFrom('OPTIONS', 'GET', 'PUT', 'PROPFIND')
    const asked = fc.constantFrom('GET', 'PUT', 'get', 'X'.repeat(100))
    const names = fc.constantFrom('x-a', 'content-type', 'x-a,,x-b', `x-${'b'.repeat(2000)}`, 'a b')
    let again = 0
    fc.assert(
      fc.property(path, origin, method, asked, names, (target, from, by, wanted, list) => {
        const lines = ['Access-Control-Request-Method', wanted, 'Access-Control-Request-Headers', list]
        const headers = ['Origin', from, ...(by === 'OPTIONS' ? lines : [])]
        const { plan, facts } = finished(rules, { method: by, target, headers })
        const kept = keepRequest(facts, plan, 1)
        expect(JSON.stringify(kept)).not.toContain('secret')
        const reported = factsOf(recordOf(kept))
        if (reported === undefined) {
          expect([kept.origin, kept.method, kept.requestedHeaders, kept.path].join()).toContain('…')
          return
        }
        again++
        expect(outcomeOf(judge(rules, setup, reported))).toEqual(outcomeOf(plan.judgement))
      }),
      { numRuns: 2000 },
    )
    expect(again).toBeGreaterThan(500)
  })

  test('holds the origin, the method and the headers that were asked for, and no query', () => {
    expect(
      keep({ ...preflight('https://example.com', 'PUT', 'x-a'), target: '/photos/a?token=secret' }),
    ).toEqual({
      time: 1,
      requestId: expect.any(String),
      bucket: 'photos',
      kind: 'preflight',
      origin: 'https://example.com',
      method: 'PUT',
      requestedHeaders: 'x-a',
      host: 'store.test',
      path: '/photos/a',
    })
    expect(keep({ method: 'PUT', headers: ['Origin', 'https://a.example'] })).toMatchObject({
      kind: 'actual',
      method: 'PUT',
      requestedHeaders: undefined,
    })
  })
})
