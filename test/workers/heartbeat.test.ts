import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createHeartbeat } from '../../src/workers/heartbeat.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function beating() {
  const asked: number[] = []
  const onHung = vi.fn()
  const heartbeat = createHeartbeat({ ask: (id) => asked.push(id), onHung, now: Date.now })
  heartbeat.start()
  return { asked, onHung, heartbeat }
}

test('a process that answers is never silent', () => {
  const { asked, onHung, heartbeat } = beating()
  for (let second = 0; second < 60; second++) {
    vi.advanceTimersByTime(1_000)
    heartbeat.answered(asked.at(-1) ?? 0)
    expect(heartbeat.isSilent()).toBe(false)
  }
  expect(onHung).not.toHaveBeenCalled()
})

test('a process that stops answering is silent, then reported as hung once', () => {
  const { onHung, heartbeat } = beating()
  vi.advanceTimersByTime(2_000)
  expect(heartbeat.isSilent()).toBe(false)
  vi.advanceTimersByTime(1_000)
  expect(heartbeat.isSilent()).toBe(true)
  expect(onHung).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2_000)
  expect(onHung).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(60_000)
  expect(onHung).toHaveBeenCalledTimes(1)
})

test('a process that answers again is not reported as hung', () => {
  const { asked, onHung, heartbeat } = beating()
  vi.advanceTimersByTime(4_000)
  heartbeat.answered(asked.at(-1) ?? 0)
  expect(heartbeat.isSilent()).toBe(false)
  vi.advanceTimersByTime(3_000)
  expect(onHung).not.toHaveBeenCalled()
})

test('a worker is not reported if the primary was paused as well', () => {
  const { onHung } = beating()
  vi.advanceTimersByTime(3_000)
  for (let pause = 0; pause < 10; pause++) {
    vi.setSystemTime(Date.now() + 30_000)
    vi.advanceTimersByTime(1_000)
  }
  expect(onHung).not.toHaveBeenCalled()
})

test('no heartbeat is sent after the end', () => {
  const { asked, heartbeat } = beating()
  heartbeat.stop()
  vi.advanceTimersByTime(10_000)
  expect(asked).toEqual([])
})
