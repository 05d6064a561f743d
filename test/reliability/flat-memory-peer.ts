/** A peer of flat-memory.ts in its own process: the store, or a client that makes one transfer. */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as startRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const megabyte = 1024 * 1024

/** One body through the sidecar, as reported by a peer. */
export interface Report {
  readonly peer: 'store' | 'client'
  readonly transfer: string
  readonly bytes: number
  readonly sha256: string
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, bytes: { type: 'string' }, transfer: { type: 'string' } },
  })
  if (values.transfer === undefined) await serveAsStore()
  else await runAsClient(Number(values.port), values.transfer, Number(values.bytes))
}

async function serveAsStore(): Promise<void> {
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://store')
    const name = pathname.split('/').at(-1) ?? ''
    if (request.method === 'PUT') {
      const read = await readAll(request, name.endsWith('slow'))
      tell({ peer: 'store', transfer: name, ...read })
      response.end()
      return
    }
    const size = Number(searchParams.get('bytes'))
    response.writeHead(200, { 'Content-Length': size, 'Access-Control-Allow-Origin': '*' })
    tell({ peer: 'store', transfer: name, ...(await writeAll(response, size)) })
  })
  // No timeout, because the test includes peers that stop reading for a while.
  server.requestTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
}

async function runAsClient(port: number, name: string, size: number): Promise<void> {
  const isUpload = name.startsWith('up')
  const path = `/bucket/${name}${isUpload ? '' : `?bytes=${size}`}`
  const headers = { Origin: 'https://example.com', ...(isUpload ? { 'Content-Length': size } : {}) }
  const method = isUpload ? 'PUT' : 'GET'
  const request = startRequest({ host: '127.0.0.1', port, agent: false, method, path, headers })
  const answered = once(request, 'response')
  const sent = isUpload ? await writeAll(request, size) : request.end()
  const [response] = await answered
  if (response.statusCode !== 200) throw new Error(`${name}: ${response.statusCode}`)
  const read = await readAll(response, name.endsWith('slow'))
  tell({ peer: 'client', transfer: name, ...('sha256' in sent ? sent : read) })
  process.disconnect?.()
}

function tell(report: Report): void {
  process.send?.(report)
}

type Body = Pick<Report, 'bytes' | 'sha256'>

/** Writes `size` bytes without repetition, as fast as they are read. */
async function writeAll(stream: Writable, size: number): Promise<Body> {
  const hash = createHash('sha256')
  const block = randomBytes(256 * 1024)
  for (let left = size, number = 0; left > 0; number++) {
    const piece = Buffer.from(block.subarray(0, Math.min(left, block.length)))
    if (piece.length >= 4) piece.writeUInt32BE(number)
    hash.update(piece)
    left -= piece.length
    if (!stream.write(piece)) await once(stream, 'drain')
  }
  stream.end()
  return { bytes: size, sha256: hash.digest('hex') }
}

/** Reads to the end. A slow reader stops for 5 s, then reads 8 MB per second for 15 s, then at full speed. */
async function readAll(stream: Readable, isSlow: boolean): Promise<Body> {
  const hash = createHash('sha256')
  const slowUntil = performance.now() + 20_000
  let read = 0
  let atRest = 0
  if (isSlow) await wait(5_000)
  for await (const piece of stream) {
    hash.update(piece)
    read += piece.length
    if (isSlow && read - atRest >= 2 * megabyte && performance.now() < slowUntil) {
      atRest = read
      await wait(250)
    }
  }
  return { bytes: read, sha256: hash.digest('hex') }
}
