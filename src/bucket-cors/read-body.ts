import type { IncomingMessage } from 'node:http'
import type { Framing } from '../http.ts'

type Body =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  /** More than the limit; the rest is unread. */
  | { readonly kind: 'too-large' }
  /** Timed out, or the client disconnected. */
  | { readonly kind: 'incomplete' }

interface BodyBounds {
  /** Bytes. */
  readonly limit: number
  /** Milliseconds for the complete body. */
  readonly timeout: number
}

const nothing: Body = { kind: 'whole', bytes: new Uint8Array() }

/** Reads the body of `request`, at most `limit` bytes. If Content-Length exceeds the limit, reads nothing. */
export function readBody(request: IncomingMessage, framing: Framing, bounds: BodyBounds): Promise<Body> {
  if (framing.kind === 'none') return Promise.resolve(nothing)
  if (framing.kind === 'length' && framing.bytes > bounds.limit) return Promise.resolve({ kind: 'too-large' })
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    const settle = (body: Body): void => {
      clearTimeout(timer)
      request.off('data', take).off('end', finish).off('error', giveUp).off('close', giveUp)
      // Paused, so that the code that answers decides what happens to the rest.
      if (body.kind !== 'whole') request.pause()
      resolve(body)
    }
    const take = (chunk: Buffer): void => {
      length += chunk.length
      if (length > bounds.limit) settle({ kind: 'too-large' })
      else chunks.push(chunk)
    }
    const finish = (): void => settle({ kind: 'whole', bytes: Buffer.concat(chunks, length) })
    const giveUp = (): void => settle({ kind: 'incomplete' })
    const timer = setTimeout(giveUp, bounds.timeout)
    request.on('data', take).once('end', finish).once('error', giveUp).once('close', giveUp)
  })
}
