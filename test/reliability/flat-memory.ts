/**
 * Whether the sidecar's memory stays flat while many gigabytes stream through it both ways: `node
 * test/reliability/flat-memory.ts [--gigabytes 10]`. Half of each way goes to a peer that keeps up, half to one that
 * stops reading, reads slowly, and then goes on. Store, sidecar and client are processes of their own; the SHA-256
 * are computed in the peers. Ends with 1 when a body differs or the resident set grew by more than 64 MB. Linux only.
 */

import { type ChildProcess, fork, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request as startRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const megabyte = 1024 * 1024
const gigabyte = 1024 * megabyte
const mostGrowth = 64 * megabyte

/** One body through the sidecar, as a peer tells of it. */
interface Report {
  readonly peer: 'store' | 'client'
  readonly transfer: string
  readonly bytes: number
  readonly sha256: string
}

const { values } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '10' },
    role: { type: 'string' },
    port: { type: 'string' },
    bytes: { type: 'string' },
    transfer: { type: 'string' },
  },
})
const bytes = Number(values.bytes)
const transfer = values.transfer ?? ''
switch (values.role) {
  case 'store':
    await serveAsStore()
    break
  case 'client':
    await runAsClient(Number(values.port), transfer, bytes)
    break
  default:
    process.exitCode = await measure(Number(values.gigabytes))
}

async function measure(gigabytes: number): Promise<0 | 1> {
  const folder = await mkdtemp(join(tmpdir(), 'flat-memory-'))
  await writeFile(
    join(folder, 'bucket.yaml'),
    'rules:\n  - {allowedOrigins: ["https://example.com"], allowedMethods: [GET, PUT]}\n',
  )
  const reports: Report[] = []
  const store = fork(import.meta.filename, ['--role', 'store'])
  const [storePort] = await once(store, 'message')
  store.on('message', (report: Report) => reports.push(report))
  const { sidecar, port } = await startSidecar(Number(storePort), folder)
  const children = [store, sidecar]
  const run = async (name: string, size: number): Promise<void> => {
    const client = fork(import.meta.filename, [
      ...['--role', 'client', '--port', String(port)],
      ...['--transfer', name, '--bytes', String(size)],
    ])
    children.push(client)
    client.on('message', (report: Report) => reports.push(report))
    const started = performance.now()
    const [code] = await once(client, 'exit')
    if (code !== 0) throw new Error(`${name} failed`)
    const seconds = (performance.now() - started) / 1000
    console.log(`${name}: ${(size / gigabyte).toFixed(2)} GB in ${seconds.toFixed(0)} s`)
  }
  try {
    const idle = await residentSet(sidecar)
    console.log(`resident set at rest: ${inMegabytes(idle.now)}`)
    const sampling = sample(sidecar)
    const half = Math.round((gigabytes * gigabyte) / 2)
    await Promise.all(['up-fast', 'up-slow', 'down-fast', 'down-slow'].map((name) => run(name, half)))
    const samples = await sampling.stop()
    const after = await residentSet(sidecar)
    const growth = after.peak - idle.now
    console.log(`resident set while streaming, by tenths: ${tenths(samples).map(inMegabytes).join(', ')}`)
    console.log(`resident set at its peak: ${inMegabytes(after.peak)}, at the end: ${inMegabytes(after.now)}`)
    console.log(`growth: ${inMegabytes(growth)}, of at most ${inMegabytes(mostGrowth)}`)
    const areWhole = compare(reports, half)
    return areWhole && growth <= mostGrowth ? 0 : 1
  } finally {
    for (const child of children) child.kill()
    await rm(folder, { recursive: true })
  }
}

async function startSidecar(
  storePort: number,
  rules: string,
): Promise<{ sidecar: ChildProcess; port: number }> {
  const main = join(import.meta.dirname, '../../cmd/main.ts')
  const upstream = `http://127.0.0.1:${storePort}`
  const ports = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  const sidecar = spawn(
    process.execPath,
    [main, 'serve', '--upstream', upstream, '--rules', rules, ...ports],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  for await (const line of createInterface({ input: sidecar.stdout })) {
    const { msg, 'server.port': port } = JSON.parse(line)
    if (msg === 'serving') {
      sidecar.stdout.resume()
      return { sidecar, port: Number(port) }
    }
  }
  throw new Error('the sidecar ended before it served')
}

/** VmRSS and its high-water mark VmHWM, in bytes (proc_pid_status(5)). */
async function residentSet({ pid }: ChildProcess): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+([0-9]+) kB$`, 'm').exec(status)?.[1]) * 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

function sample(child: ChildProcess): { stop: () => Promise<number[]> } {
  const stopped = new AbortController()
  const samples: number[] = []
  const loop = (async (): Promise<number[]> => {
    while (!stopped.signal.aborted) {
      samples.push((await residentSet(child)).now)
      await wait(200)
    }
    return samples
  })()
  return {
    stop() {
      stopped.abort()
      return loop
    },
  }
}

/** The largest sample of each tenth of the time. */
function tenths(samples: readonly number[]): number[] {
  return Array.from({ length: 10 }, (_, index) => {
    const part = samples.slice((index * samples.length) / 10, ((index + 1) * samples.length) / 10)
    return Math.max(0, ...part)
  })
}

function inMegabytes(size: number): string {
  return `${(size / megabyte).toFixed(1)} MB`
}

/** Whether both peers of every transfer saw the same bytes, all of them. */
function compare(reports: readonly Report[], size: number): boolean {
  const names = ['up-fast', 'up-slow', 'down-fast', 'down-slow']
  const results = names.map((name) => {
    const both = reports.filter((report) => report.transfer === name)
    const [one, other] = both
    const isWhole =
      both.length === 2 && one?.sha256 === other?.sha256 && both.every((report) => report.bytes === size)
    console.log(
      `${name}: ${isWhole ? `SHA-256 equal, ${one?.sha256}` : `DIFFERENT: ${JSON.stringify(both)}`}`,
    )
    return isWhole
  })
  return !results.includes(false)
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
  // A peer that does not read for a while is what this is about.
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

/** Writes `size` bytes of which no two pieces are the same, as fast as they are taken. */
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

/** Reads to the end. A slow reader stops for 5 s, then takes 8 MB a second for 15 s, then what comes. */
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
