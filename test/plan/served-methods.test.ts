import { METHODS } from 'node:http'
import { describe, expect, test } from 'vitest'
import { vendorMatching } from '../../src/cors/rule.ts'
import { http } from '../../src/dialect/http.ts'
import { plan } from '../../src/plan/plan.ts'
import { methodDefect, servedMethods } from '../../src/plan/served-methods.ts'
import { facts, identity, ruleFile, setup, snapshotOf } from '../core.ts'

describe('before a store of a vendor', () => {
  test.each([
    'TRACE',
    'TRACK',
    'get',
    'PRI',
    'CONNECT',
    'FOO',
    'SEARCH',
    'REPORT',
  ])('%s is not served', (method) => {
    expect(methodDefect(method, vendorMatching)).toMatchObject({ status: 405, code: 'MethodNotAllowed' })
  })

  test.each(servedMethods(vendorMatching).split(', '))('%s is served', (method) => {
    expect(methodDefect(method, vendorMatching)).toBeUndefined()
  })
})

describe('before a store that speaks HTTP alone', () => {
  test.each([
    'TRACE',
    'TRACK',
    'CONNECT',
    'trace',
    '*',
    '',
    'A B',
    'A,B',
    'X'.repeat(65),
  ])('%j is not served', (method) => {
    expect(methodDefect(method, http.matching)?.status).toBe(405)
  })

  const parsed = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE')
  test.each(parsed)('%s, which Node can read, is served', (method) => {
    expect(methodDefect(method, http.matching)).toBeUndefined()
  })

  test('Allow lists every method that Node can read except SOURCE', () => {
    expect(servedMethods(http.matching).split(', ').toSorted()).toEqual(
      parsed.filter((method) => method !== 'SOURCE').toSorted(),
    )
  })
})

test('what a bucket serves depends on its own dialect, not on the one of the server', () => {
  const snapshot = snapshotOf({ dav: ruleFile({ dialect: 'http' }), photos: ruleFile() })
  const statusOf = (bucket: string): number | undefined => {
    const planned = plan(snapshot, setup, facts('SEARCH', `/${bucket}/k`, ['Host', 'store.test']), identity)
    return planned.act === 'answer' ? planned.response.status : undefined
  }
  expect([statusOf('dav'), statusOf('photos'), statusOf('other')]).toEqual([undefined, 405, 405])
})
