import type { IncomingMessage } from 'node:http'

/** Returns `undefined` if the body is longer than `limit` bytes; the rest of it is then unread. */
export async function readBody(request: IncomingMessage, limit: number): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return undefined
  const pieces: Buffer[] = []
  let length = 0
  // Node's own iterator would destroy the connection before the response.
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(piece)
    length += bytes.length
    if (length > limit) return undefined
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString('utf8')
}
