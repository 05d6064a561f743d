import { describe, expect, test } from 'vitest'
import { createDenials, type Denials } from '../../src/requests/denials.ts'
import { finished, preflight } from '../finished.ts'
import { photos } from './running.ts'

const deny = (denials: Denials, origin: string): void => denials.add(finished(photos, preflight(origin)))

describe('denials', () => {
  test('hold the latest ones, newest first, also after the ring has wrapped around', () => {
    const denials = createDenials({ recent: 3 })
    const origins = (): (string | undefined)[] => denials.recent().map(({ origin }) => origin)
    const seen: (string | undefined)[][] = []
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      deny(denials, `https://${name}`)
      seen.push(origins())
    }
    const o = (...names: string[]): string[] => names.map((name) => `https://${name}`)
    expect(seen).toEqual([
      o('a'),
      o('b', 'a'),
      o('c', 'b', 'a'),
      o('d', 'c', 'b'),
      o('e', 'd', 'c'),
      o('f', 'e', 'd'),
      o('g', 'f', 'e'),
    ])
    expect(denials.total()).toBe(7)
  })

  test('ignore allowed requests and requests without CORS', () => {
    const denials = createDenials()
    denials.add(finished(photos, preflight('https://example.com')))
    denials.add(finished(photos, {}))
    expect([denials.total(), denials.recent(), denials.top()]).toEqual([0, [], []])
  })

  test('keep bounded parts of the request, without its query', () => {
    const denials = createDenials()
    const flood = 'x'.repeat(10_000)
    const headers = [
      ...['Origin', flood, 'Access-Control-Request-Method', flood],
      ...['Access-Control-Request-Headers', flood],
    ]
    denials.add(finished(photos, { method: 'OPTIONS', target: `/photos/${flood}?token=secret`, headers }))
    const text = JSON.stringify([denials.recent(), denials.top()])
    expect(text.length).toBeLessThan(10_000)
    expect(text).not.toContain('secret')
  })

  test('list the frequent groups even in a flood of others', () => {
    const denials = createDenials({ groups: 20 })
    for (let i = 0; i < 10_000; i++)
      deny(denials, i % 5 === 0 ? 'https://often.example' : `https://o${i}.example`)
    const [first] = denials.top()
    expect(first).toMatchObject({ origin: 'https://often.example', bucket: 'photos', reason: 'origin' })
    const { count = 0, overcount = 0 } = first ?? {}
    expect(count - overcount).toBeLessThanOrEqual(2000)
    expect(count).toBeGreaterThanOrEqual(2000)
  })

  test('use no more memory with a million distinct origins', () => {
    const denials = createDenials()
    const origin = (n: number): string => `https://${n.toString(36).padStart(200, 'o')}.example`
    // All share one plan, so that only the memory of the denials is measured.
    const request = finished(photos, preflight('https://evil.example'))
    const flood = (from: number, count: number): void => {
      for (let n = from; n < from + count; n++)
        denials.add({ ...request, facts: { ...request.facts, origin: origin(n) } })
    }
    const held = (): number => JSON.stringify([denials.recent(), denials.top()]).length
    flood(0, 1000)
    const before = held()
    flood(1000, 999_000)
    expect(denials.total()).toBe(1_000_000)
    expect(denials.recent()).toHaveLength(200)
    expect(denials.top()).toHaveLength(200)
    expect(held()).toBeLessThan(before * 1.2)
  })
})
