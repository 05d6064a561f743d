/** `node:http` agents for `send.ts`. They decide which connections may serve another request. */

import type { AgentOptions, ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Connect } from './connect.ts'
import { surviveFailedWrites } from './failed-writes.ts'
import { Agent } from './node-http.ts'

/**
 * Keeps idle connections for `keepAlive` milliseconds. Retires every connection after `maxAge` milliseconds,
 * because the store's name may resolve to another address by then.
 */
export const createAgent = (connect: Connect, keepAlive: number, maxAge: number): HttpAgent =>
  new StoreAgent(connect, { keepAlive: true, timeout: keepAlive }, maxAge)

/** Each connection serves one request. */
export const createSingleUseAgent = (connect: Connect): HttpAgent =>
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
        // On failure Node expects the error alone, although the type of `done` requires a stream as well.
        if (done !== undefined) Reflect.apply(done, undefined, socket === null ? [error] : [null, socket])
      })
      return undefined
    }
  }

  override keepSocketAlive(socket: Duplex): boolean {
    // Node keeps bytes that arrive between two responses and parses them as the response to the next request.
    if (socket.readableLength > 0) return false
    if (performance.now() - (this.#connectedAt.get(socket) ?? 0) >= this.#maxAge) return false
    socket.on('data', breakOff)
    // False when the store's Keep-Alive header announces that it closes the connection too soon to use it again. The
    // type is void by mistake: https://nodejs.org/api/http.html#agentkeepsocketalivesocket
    const canBeKept: unknown = super.keepSocketAlive(socket)
    return canBeKept !== false
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
 * Whether the response announces a body that its status rules out (RFC 9110 sections 15.3.5 and 15.4.5). If the
 * store sends that body anyway, it would be parsed as the next response on the connection.
 */
export function mayBeFollowedByBody({ statusCode, headers }: IncomingMessage): boolean {
  if (statusCode !== 204 && statusCode !== 304) return false
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers
  return coding !== undefined || !/^0+$/.test(length)
}
