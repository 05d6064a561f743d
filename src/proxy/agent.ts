/** Connections to the store for `send.ts`, and which of them may serve another request. */

import { Agent, type AgentOptions, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Connect } from './connect.ts'
import { surviveFailedWrites } from './failed-writes.ts'

/**
 * Connections that are kept for `keepAlive` milliseconds without use, and used for `maxAge` milliseconds, so that a name
 * that leads elsewhere is followed.
 */
export const createAgent = (connect: Connect, keepAlive: number, maxAge: number): Agent =>
  new StoreAgent(connect, { keepAlive: true, timeout: keepAlive }, maxAge)

/** Connections that serve one request each. */
export const createSingleUseAgent = (connect: Connect): Agent =>
  new StoreAgent(connect, { keepAlive: false }, 0)

class StoreAgent extends Agent {
  readonly #maxAge: number
  readonly #connectedAt = new WeakMap<Duplex, number>()

  constructor(connect: Connect, options: AgentOptions, maxAge: number) {
    super(options)
    this.#maxAge = maxAge
    this.createConnection = (_, done) => {
      connect((error, socket) => {
        if (socket !== null) {
          this.#connectedAt.set(socket, performance.now())
          surviveFailedWrites(socket)
        }
        // Node calls back with an error alone; its type asks for a stream beside it.
        if (done !== undefined) Reflect.apply(done, undefined, socket === null ? [error] : [null, socket])
      })
      return undefined
    }
  }

  override keepSocketAlive(socket: Duplex): boolean {
    // Node leaves bytes that come between two answers in the socket and reads them as the answer to the next request.
    if (socket.readableLength > 0) return false
    if (performance.now() - (this.#connectedAt.get(socket) ?? 0) >= this.#maxAge) return false
    socket.on('data', breakOff)
    super.keepSocketAlive(socket)
    return true
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    socket.off('data', breakOff)
    super.reuseSocket(socket, request)
  }
}

function breakOff(this: Duplex): void {
  this.destroy()
}

/**
 * Whether the answer announces a body that its status rules out (RFC 9110 sections 15.3.5 and 15.4.5): a store that
 * sends the body all the same would have it read as the next answer on the connection.
 */
export function mayBeFollowedByBody({ statusCode, headers }: IncomingMessage): boolean {
  if (statusCode !== 204 && statusCode !== 304) return false
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers
  return coding !== undefined || !/^0+$/.test(length)
}
