/** Resolves the store's name, and puts addresses that failed recently at the end of the list. */

import dns, { type LookupAddress } from 'node:dns'
import type { LookupFunction, Socket } from 'node:net'

export interface Addresses {
  readonly lookup: LookupFunction
  /** Follows the connection attempts of `socket`, to learn which addresses fail. */
  watch<Connecting extends Socket>(socket: Connecting): Connecting
}

/** How long a failed address stays last in the list, in milliseconds. */
const deadMilliseconds = 30_000

/**
 * Node tries addresses one after the other and waits at least 250 ms for each (`autoSelectFamilyAttemptTimeout`). A
 * dead address at the front of the list would add that delay to every new connection.
 */
export function createAddresses(resolve?: typeof dns.lookup): Addresses {
  const deadSince = new Map<string, number>()
  const isDead = ({ address }: LookupAddress): boolean => {
    const since = deadSince.get(address)
    return since !== undefined && performance.now() - since < deadMilliseconds
  }
  const bury = (address: string): void => {
    // Bounds the map: a DNS answer may list any number of addresses.
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
      // When the connect timeout destroys the socket, Node emits no event for the attempt that was under way.
      socket.once('close', giveUp)
      socket.once('connect', () => {
        deadSince.delete(socket.remoteAddress ?? '')
        socket.off('close', giveUp)
      })
      return socket
    },
  }
}
