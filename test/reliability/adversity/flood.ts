/**
 * Many clients misbehave in the same way while ordinary requests continue: measures their cost, their lifetime and
 * the impact.
 */

import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Measured } from '../figure.ts'
import { largest } from './batches.ts'
import { describeFared, openConnections, sendSteadily } from './client.ts'
import { residentMegabytes, type Sidecar, startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, startHttpStore } from './store.ts'

export interface Attack {
  readonly flags?: readonly string[]
  /** What each connection does first. */
  readonly begin: (socket: Socket) => void
  /** What it then does every second. */
  readonly goOn?: (socket: Socket) => void
  /** Most memory that one of them may hold, in KB. */
  readonly mostKilobytes: number
  /** All must be cut off this many milliseconds after the last has connected; `undefined`: they may stay. */
  readonly cutWithin?: number
  /** None may be cut off during the attack. */
  readonly mustStay?: boolean
}

/** How long to watch an attack that nothing ends, in milliseconds. */
const watched = 8_000
/** Uncollected garbage, in MB, in addition to what the connections may hold. */
const slack = 32
/** How long all attackers' bytes together may delay an ordinary request, in milliseconds. */
const mostDelay = 2_500

const large = Buffer.alloc(16 * 1024 * 1024)

/** Runs `attack` on `count` connections. */
export function flood(attack: Attack, count: number): Promise<Measured> {
  return withRules(async (rules) => {
    const store = await startHttpStore((request, response) => {
      if (request.url?.endsWith('/large') === true) response.end(large)
      else if (request.url?.endsWith('/never') !== true) answerWithObject(request, response)
    })
    const sidecar = await startSidecar({ upstream: store.url, rules, flags: attack.flags ?? [] })
    const steady = sendSteadily(sidecar.data)
    let sockets: readonly Socket[] = []
    try {
      await wait(500)
      const before = await residentMegabytes(sidecar.pid)
      sockets = await openConnections(sidecar.dataPort, count)
      const started = performance.now()
      const opened = sockets.filter(({ destroyed }) => !destroyed).length
      for (const socket of sockets) attack.begin(socket)
      const { peak, cutAfter, left } = await watch(attack, sockets, sidecar, started)
      return judge(
        attack,
        { count, opened, left, growth: peak - before, cutAfter },
        await steady.stop(),
        sidecar.isAlive(),
      )
    } finally {
      await steady.stop()
      for (const socket of sockets) socket.destroy()
      await sidecar.end()
      await store.close()
    }
  })
}

/** Checks every second until all are cut off, or for as long as the attack is watched. */
async function watch(
  { goOn, cutWithin }: Attack,
  sockets: readonly Socket[],
  { pid, isAlive }: Sidecar,
  started: number,
): Promise<Pick<Cost, 'cutAfter' | 'left'> & { readonly peak: number }> {
  const samples: number[] = []
  for (const elapsed = (): number => performance.now() - started; ; ) {
    if (isAlive()) samples.push(await residentMegabytes(pid).catch(() => 0))
    const open = sockets.filter(({ destroyed }) => !destroyed)
    if (open.length === 0) return { peak: largest(samples), cutAfter: elapsed(), left: 0 }
    if (!isAlive() || elapsed() > (cutWithin ?? watched) + 3_000) break
    for (const socket of open) goOn?.(socket)
    await wait(1_000)
  }
  const left = sockets.filter(({ destroyed }) => !destroyed).length
  return { peak: largest(samples), cutAfter: undefined, left }
}

interface Cost {
  readonly count: number
  /** Connections open before the attack. */
  readonly opened: number
  /** Connections still open at the end. */
  readonly left: number
  /** In MB. */
  readonly growth: number
  readonly cutAfter: number | undefined
}

function judge(
  { cutWithin, mostKilobytes, mustStay = false }: Attack,
  { count, opened, left, growth, cutAfter }: Cost,
  fared: Parameters<typeof describeFared>[0],
  alive: boolean,
): Measured {
  const each = (growth * 1024) / count
  const cut =
    cutAfter === undefined
      ? `${left} still there`
      : `all disconnected after ${(cutAfter / 1000).toFixed(1)} s`
  const isCut = cutWithin === undefined || (cutAfter !== undefined && cutAfter <= cutWithin + 3_000)
  const isLeft = !mustStay || left === count
  const isBounded = growth <= slack + (count * mostKilobytes) / 1024
  return {
    measured: `${opened} of ${count} connections, ${growth.toFixed(0)} MB more (${each.toFixed(0)} KB each, of at most ${mostKilobytes}), ${
      cut
    }; ${describeFared(fared)}${alive ? '' : '; the process died'}`,
    held:
      alive &&
      opened === count &&
      isCut &&
      isLeft &&
      isBounded &&
      fared.failures.length === 0 &&
      fared.slowestMilliseconds <= mostDelay,
  }
}
