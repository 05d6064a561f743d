import { createCipheriv, createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request as startRequest } from 'node:http'
import { Readable } from 'node:stream'

/** A deterministic stream of `length` bytes that compress badly, and the hash of what was read. */
export interface Noise {
  readonly stream: Readable
  readonly hash: () => string
}

const zeros = Buffer.alloc(256 * 1024)

export function noise(length: number): Noise {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16, 9))
  const hash = createHash('sha256')
  const pieces = function* (): Generator<Buffer> {
    for (let left = length; left > 0; left -= zeros.length) {
      const piece = cipher.update(left < zeros.length ? zeros.subarray(0, left) : zeros)
      hash.update(piece)
      yield piece
    }
  }
  return { stream: Readable.from(pieces(), { objectMode: false }), hash: () => hash.digest('hex') }
}

/** Sends `stream` to `url` in one PUT and returns the status. */
export async function putStream(url: string, length: number, stream: Readable): Promise<number> {
  const request = startRequest(url, { method: 'PUT', headers: { 'Content-Length': length }, agent: false })
  const answered = once(request, 'response')
  stream.pipe(request)
  const [response] = (await answered) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.statusCode ?? 0
}

/** Count and hash of the received bytes; rejects when the stream breaks off. */
export async function hashOf(stream: AsyncIterable<Uint8Array>): Promise<{ length: number; hash: string }> {
  const hash = createHash('sha256')
  let length = 0
  for await (const piece of stream) {
    hash.update(piece)
    length += piece.length
  }
  return { length, hash: hash.digest('hex') }
}

/** Resident memory of a process in MiB, if the system reports it. */
export async function residentMemory(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1024)
}
