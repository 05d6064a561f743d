/**
 * Figure 8: whether the sidecar's memory stays flat while many gigabytes stream through it both ways. Half of each
 * direction goes to a fast peer, half to one that stops reading, reads slowly, and then continues. Store, sidecar
 * and client are separate processes; the peers compute the SHA-256. Linux only.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderWith } from '../rules/directory.ts'
import { endProgram, startProgram } from '../serve/program.ts'
import type { Measured } from './figure.ts'
import type { Report } from './flat-memory-peer.ts'
import { inMegabytes, residentSet } from './serving.ts'

const gigabyte = 1024 ** 3
const mostGrowth = 64 * 1024 * 1024
const transfers = ['up-fast', 'up-slow', 'down-fast', 'down-slow'] as const
const peer = join(import.meta.dirname, 'flat-memory-peer.ts')
const rules = 'rules:\n  - {allowedOrigins: ["https://example.com"], allowedMethods: [GET, PUT]}\n'

/** Streams `gigabytes` up, and as many down. */
export async function measureFlatMemory(gigabytes: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'flat-memory-'))
  const store = fork(peer)
  const children: ChildProcess[] = [store]
  try {
    const [storePort] = await once(store, 'message')
    const directory = await folderWith(folder, { 'bucket.yaml': rules })
    const program = await startProgram(`http://127.0.0.1:${storePort}`, directory)
    try {
      const idle = await residentSet(program.pid)
      const half = Math.round((gigabytes * gigabyte) / 2)
      const began = performance.now()
      const reports = await transferAll({ store, children, port: new URL(program.data).port, size: half })
      const seconds = (performance.now() - began) / 1000
      const growth = (await residentSet(program.pid)).peak - idle.now
      const whole = transfers.filter((name) => isWhole(reports, name, half))
      return {
        measured: `${gigabytes} GB up and ${gigabytes} GB down, half of each to a slow reader, in ${seconds.toFixed(0)} s: ${inMegabytes(idle.now)} at rest, growth at most ${inMegabytes(growth)}; SHA-256 equal in ${whole.length} of ${transfers.length} transfers`,
        held: whole.length === transfers.length && growth <= mostGrowth,
      }
    } finally {
      await endProgram(program)
    }
  } finally {
    for (const child of children) child.kill()
    await rm(folder, { recursive: true })
  }
}

interface Transfers {
  readonly store: ChildProcess
  /** Receives every process that is started, so that the caller can end them all. */
  readonly children: ChildProcess[]
  readonly port: string
  /** Bytes per transfer. */
  readonly size: number
}

async function transferAll({ store, children, port, size }: Transfers): Promise<readonly Report[]> {
  const reports: Report[] = []
  const collect = (report: Report): void => {
    reports.push(report)
  }
  store.on('message', collect)
  const run = async (name: string): Promise<void> => {
    const client = fork(peer, ['--port', port, '--transfer', name, '--bytes', String(size)])
    children.push(client)
    client.on('message', collect)
    const [code] = await once(client, 'exit')
    if (code !== 0) throw new Error(`the transfer ${name} failed`)
  }
  await Promise.all(transfers.map(run))
  return reports
}

/** Whether both peers saw the same bytes, completely. */
function isWhole(reports: readonly Report[], name: string, size: number): boolean {
  const both = reports.filter(({ transfer }) => transfer === name)
  const [one, other] = both
  return both.length === 2 && one?.sha256 === other?.sha256 && both.every(({ bytes }) => bytes === size)
}
