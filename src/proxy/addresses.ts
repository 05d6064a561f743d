/** The addresses of the store's name: one that did not answer is tried last for a while. */

import dns, { type LookupAddress } from 'node:dns'
import type { LookupFunction, Socket } from 'node:net'

export interface Addresses {
  /** For `net.connect`. */
  readonly lookup: LookupFunction
  /** Learns from what becomes of the attempts of `socket`. */
  watch<Connecting extends Socket>(socket: Connecting): Connecting
}

/** How long an address that did not answer is tried last, in milliseconds. */
const deadMilliseconds = 30_000

/**
 * Node tries the addresses one after the other and waits a quarter of a second and more for each: one that is dead
 * and stands first would cost every new connection that.
 */
export function createAddresses(resolve?: typeof dns.lookup): Addresses {
  const deadSince = new Map<string, number>()
  const isDead = ({ address }: LookupAddress): boolean => {
    const since = deadSince.get(address)
    return since !== undefined && performance.now() - since < deadMilliseconds
  }
  const bury = (address: string): void => {
    // Names with more addresses than these are not looked after.
    if (deadSince.size >= 64) deadSince.clear()
    deadSince.set(address, performance.now())
  }
  return {
    lookup(hostname, options, done) {
      const find = resolve ?? dns.lookup
      find(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) {
          done(error, [])
          return
        }
        const ordered = found.toSorted((one, other) => Number(isDead(one)) - Number(isDead(other)))
        if (options.all === true) done(null, ordered)
        else done(null, ordered[0]?.address ?? '', ordered[0]?.family ?? 0)
      })
    },
    watch(socket) {
      let attempted: string | undefined
      const giveUp = (): void => {
        if (attempted !== undefined) bury(attempted)
      }
      socket.on('connectionAttempt', (address: string) => {
        attempted = address
      })
      socket.on('connectionAttemptFailed', bury).on('connectionAttemptTimeout', bury)
      // The connect timeout has ended the last attempt, of which Node says nothing.
      socket.once('close', giveUp)
      socket.once('connect', () => {
        deadSince.delete(socket.remoteAddress ?? '')
        socket.off('close', giveUp)
      })
      return socket
    },
  }
}
