import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { visibleJson } from '../text/visible.ts'

export interface Reply {
  readonly status: number
  readonly type: string
  /** A long body comes in pieces, and other requests are served between them. */
  readonly body: string | Iterable<string | Buffer> | AsyncIterable<string | Buffer>
  readonly headers?: Readonly<Record<string, string>>
}

export const text = (status: number, body: string, headers: Reply['headers'] = {}): Reply => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
  headers,
})

export const json = (status: number, value: unknown, headers: Reply['headers'] = {}): Reply => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${visibleJson(JSON.stringify(value, undefined, 2))}\n`,
  headers,
})

/** `head` as JSON, with the list of `items` as its last field `name`. Written in pieces. */
export function longJson(
  head: Readonly<Record<string, unknown>>,
  name: string,
  items: Iterable<unknown> | AsyncIterable<unknown>,
): Reply {
  return { status: 200, type: 'application/json; charset=utf-8', body: listPieces(head, name, items) }
}

async function* listPieces(
  head: Readonly<Record<string, unknown>>,
  name: string,
  items: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncGenerator<string> {
  let piece = `${JSON.stringify(head).slice(0, -1)}${Object.keys(head).length === 0 ? '' : ','}${JSON.stringify(name)}:[`
  let separator = '\n'
  for await (const item of items) {
    piece += `${separator}${visibleJson(JSON.stringify(item))}`
    separator = ',\n'
    if (piece.length > 16_384) {
      yield piece
      piece = ''
    }
  }
  yield `${piece}\n]}\n`
}

/** Keeps every response away from other sites, frames, caches and content sniffing. */
const guards: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** Sends `reply`. Closes the connection if the request has an unread body. */
export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
): Promise<void> {
  const { status, type, body, headers = {} } = reply
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  const close = hasBody && !request.complete ? { Connection: 'close' } : {}
  const lines = { ...guards, 'Content-Type': type, ...headers, ...close }
  if (typeof body === 'string') {
    response.writeHead(status, { ...lines, 'Content-Length': Buffer.byteLength(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
    return
  }
  response.writeHead(status, lines)
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const fault = await sentInTurns(body, response)
  if (fault !== undefined) throw fault.reason
}

/** Returns the error of `pieces`, if any. A client that disconnects is not an error. */
async function sentInTurns(
  pieces: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  response: ServerResponse,
): Promise<{ readonly reason: unknown } | undefined> {
  let fault: { readonly reason: unknown } | undefined
  async function* inTurns(): AsyncGenerator<string | Buffer> {
    try {
      for await (const piece of pieces) {
        yield piece
        await nextTurn()
      }
    } catch (reason) {
      fault = { reason }
      throw reason
    }
  }
  await pipeline(inTurns, response).catch(() => response.destroy())
  return fault
}
