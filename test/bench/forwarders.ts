import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cpuNanoseconds } from './accounting.ts'
import { startNginx, startNodePeer, startStore } from './peers.ts'
import { bucket, hundredRules, origin, writeRules } from './rule-sets.ts'
import type { Bench } from './section.ts'
import { makeCertificate, type StreamOrder, transfer } from './streams.ts'
import { freePort } from './testbed.ts'

export const megabyte = 1024 * 1024
export const gigabyte = 1024 * megabyte
export const directions = ['get', 'put'] as const
export type Direction = (typeof directions)[number]

/** Source and destination of the objects, and what every forwarder gets. */
export interface Stores {
  readonly portOf: Readonly<Record<Direction, number>>
  readonly rules: string
  readonly cert: string
  readonly key: string
  readonly end: () => Promise<unknown>
}

export async function startStores({ testbed, options }: Bench): Promise<Stores> {
  const objects = testbed.path('objects')
  await mkdir(join(objects, bucket), { recursive: true })
  const sizes = options.full ? [100 * megabyte, 5 * gigabyte] : [100 * megabyte]
  for (const size of sizes) {
    const file = join(objects, bucket, String(size))
    await writeFile(file, '')
    await truncate(file, size)
  }
  const files = await startStore(testbed, objects)
  const discard = await startNodePeer(testbed, 'discard-store', [])
  const rules = await writeRules(testbed.path('rules'), 1, () => hundredRules)
  const end = () => Promise.all([files.end(), discard.end()])
  return { portOf: { get: files.port, put: discard.port }, rules, ...(await makeCertificate(testbed)), end }
}

/** A server between the client and the stores. */
export interface Forwarder {
  readonly pid: number
  readonly url: string
  readonly end: () => Promise<void>
}

/** A sidecar in front of the store for that direction. */
export async function startSidecar(
  { sidecars }: Bench,
  stores: Stores,
  direction: Direction,
  isSecure: boolean,
): Promise<Forwarder> {
  const flags = isSecure ? ['--tls-cert', stores.cert, '--tls-key', stores.key] : []
  const started = await sidecars.start({
    upstreamPort: stores.portOf[direction],
    rules: stores.rules,
    logLevel: 'info',
    flags,
  })
  return { ...started, url: `${isSecure ? 'https' : 'http'}://127.0.0.1:${started.port}` }
}

/** nginx in the same place. */
export async function startProxy(
  { testbed }: Bench,
  { portOf, cert, key }: Stores,
  direction: Direction,
  isSecure: boolean,
): Promise<Forwarder> {
  const tls = { port: await freePort(), cert, key }
  const started = await startNginx(testbed, { upstreamPort: portOf[direction], tls })
  return {
    ...started,
    url: isSecure ? `https://127.0.0.1:${tls.port}` : `http://127.0.0.1:${started.port}`,
  }
}

export interface Transferred {
  readonly cpuSecondsPerGigabyte: number
  readonly megabytesPerSecond: number
  /** The negotiated TLS; empty without TLS. */
  readonly tls: string
}

/** Transfers objects through a forwarder and measures its CPU time. */
export async function measure(
  { testbed }: Bench,
  { pid, url }: Forwarder,
  order: Omit<StreamOrder, 'url' | 'origin'>,
): Promise<Transferred> {
  const before = cpuNanoseconds(pid)
  const target = `${url}/${bucket}/${order.bytes}`
  const { bytes, seconds, tls } = await transfer(testbed, { ...order, url: target, origin })
  const cpu = (cpuNanoseconds(pid) - before) / 1e9
  return {
    cpuSecondsPerGigabyte: cpu / (bytes / gigabyte),
    megabytesPerSecond: bytes / megabyte / seconds,
    tls: tls.join(', '),
  }
}
