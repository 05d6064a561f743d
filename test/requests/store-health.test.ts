import { describe, expect, test } from 'vitest'
import { createStoreHealth, mergeStoreHealth } from '../../src/requests/store-health.ts'

const answer = { upstreamError: undefined, upstreamMilliseconds: 3 }
const refused = { upstreamError: 'refused', upstreamMilliseconds: undefined } as const
const truncated = { upstreamError: 'truncated', upstreamMilliseconds: 3 } as const
const stalled = { upstreamError: 'timeout', upstreamMilliseconds: 3 } as const
const garbled = { upstreamError: 'invalid', upstreamMilliseconds: undefined } as const
const answeredHere = { upstreamError: undefined, upstreamMilliseconds: undefined }

type Step = typeof answer | typeof refused | typeof truncated | typeof stalled | typeof garbled

function recorded(...steps: readonly (Step | 'probe fails')[]) {
  let time = 0
  const health = createStoreHealth(() => time)
  for (const step of steps) {
    time += 10
    if (step === 'probe fails') health.probed('dns')
    else health.finished(step)
  }
  return health.current()
}

describe('whether the store answers', () => {
  test('is unknown before anything was sent to it', () => {
    const health = createStoreHealth(() => 5)
    expect(health.finished(answeredHere)).toBe(false)
    expect(health.current()).toMatchObject({ state: 'unknown', since: 5 })
  })

  test.each([
    ['an answer', [answer, answer], { state: 'answers', since: 10, lastAnswer: 20, failed: 0 }],
    ['a failure', [answer, refused, refused], { state: 'unreachable', since: 20, lastAnswer: 10, failed: 2 }],
    ['an answer after failures', [refused, answer], { state: 'answers', since: 20, failed: 0 }],
    ['an answer that broke off', [truncated], { state: 'answers', since: 10 }],
    ['an answer that stalled', [refused, stalled], { state: 'answers', since: 20, failed: 0 }],
    ['an answer that is not HTTP', [refused, garbled], { state: 'answers', since: 20, failed: 2 }],
    ['a probe, which is no request that failed', ['probe fails'], { state: 'unreachable', failed: 0 }],
  ] as const)('follows %s', (_what, steps, expected) => {
    expect(recorded(...steps)).toMatchObject(expected)
  })

  test('keeps the last error when the store is back', () => {
    expect(recorded(refused, answer).lastError).toEqual({ time: 10, type: 'refused' })
  })

  test('of several processes is the latest observation, with the earliest start', () => {
    const down = recorded(refused, refused)
    const up = { ...recorded(answer), seen: 99, since: 99 }
    expect(mergeStoreHealth(down, up)).toMatchObject({ state: 'answers', since: 99, failed: 0 })
    expect(mergeStoreHealth(up, down).lastError).toEqual({ time: 20, type: 'refused' })
    const later = { ...recorded(refused), seen: 50, since: 40 }
    expect(mergeStoreHealth(down, later)).toMatchObject({ state: 'unreachable', since: 10, failed: 3 })
  })
})
