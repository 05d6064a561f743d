import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { type ExpositionFormat, exposition } from '../metrics/family.ts'
import type { Metrics } from '../metrics/metrics.ts'

/** Pause after each exposition, in multiples of its duration, so that scrapes use at most a fifth of the CPU. */
const restsFor = 4

export type ReadExposition = (format: ExpositionFormat) => Promise<readonly Buffer[]>

/**
 * Makes one exposition at a time. All requests that arrive before it starts share it, so that many scrapes cost as much
 * as one and hold one text in memory. No exposition is older than the request that it answers.
 */
export function createSharedExposition(metrics: Metrics): ReadExposition {
  let running: Promise<unknown> = Promise.resolve()
  let restsUntil = 0
  const next = new Map<ExpositionFormat, Promise<readonly Buffer[]>>()

  async function make(format: ExpositionFormat, before: Promise<unknown>): Promise<readonly Buffer[]> {
    await before
    const rest = restsUntil - performance.now()
    if (rest > 0) await wait(rest)
    next.delete(format)
    const began = performance.now()
    try {
      return await readPieces(metrics, format)
    } finally {
      const ended = performance.now()
      restsUntil = ended + (ended - began) * restsFor
    }
  }

  return (format) => {
    const shared = next.get(format)
    if (shared !== undefined) return shared
    const made = make(format, running)
    next.set(format, made)
    running = made.catch(() => {})
    return made
  }
}

async function readPieces(metrics: Metrics, format: ExpositionFormat): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = []
  for (const piece of exposition(await metrics.families(), format)) {
    pieces.push(Buffer.from(piece))
    await nextTurn()
  }
  return pieces
}
