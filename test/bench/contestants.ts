import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { objectBytes } from './answers.ts'
import { type Contestant, infoKey, silentKey } from './contest.ts'
import type { Programs } from './machine.ts'
import { type PeerName, peerNames } from './options.ts'
import { peerTitles, startPeer, startStore } from './peers.ts'
import { bucket, hundredRules, writeRules } from './rule-sets.ts'
import type { Bench } from './section.ts'

export interface Ended {
  readonly end: () => Promise<void>
}

export async function startObjects({ testbed }: Pick<Bench, 'testbed'>) {
  const objects = testbed.path('objects')
  await mkdir(join(objects, bucket), { recursive: true })
  await writeFile(join(objects, bucket, 'object'), 'x'.repeat(objectBytes))
  return startStore(testbed, objects)
}

/** The sidecar with its log and without. Its bucket has 100 rules. */
export async function startSidecars(
  { testbed, sidecars }: Bench,
  upstreamPort: number,
): Promise<readonly (Contestant & Ended)[]> {
  const rules = await writeRules(testbed.path('rules'), 1, () => hundredRules)
  const info = await sidecars.start({ upstreamPort, rules, logLevel: 'info' })
  const silent = await sidecars.start({ upstreamPort, rules, logLevel: 'silent' })
  return [
    { ...info, key: infoKey, title: 'cors-sidecar', table: 'log', knowsOrigins: true },
    {
      ...silent,
      key: silentKey,
      title: 'cors-sidecar, log level silent',
      table: 'silent',
      knowsOrigins: true,
    },
  ]
}

/** The requested peers that are installed, each twice: with an access log and without. */
export async function startPeers(
  { testbed, options, programs }: Bench,
  upstreamPort: number,
  takesPart: (name: PeerName) => boolean,
): Promise<readonly (Contestant & Ended)[]> {
  const wanted = peerNames.filter((name) => (options.peers?.includes(name) ?? true) && takesPart(name))
  const started: (Contestant & Ended)[] = []
  for (const name of wanted.filter((name) => isInstalled(name, programs)))
    for (const table of ['log', 'silent'] as const) {
      const peer = await startPeer(testbed, name, { upstreamPort, logs: table === 'log', programs })
      const key = table === 'log' ? name : `${name}, silent`
      started.push({ ...peer, key, title: peerTitles[name], table, knowsOrigins: true })
    }
  return started
}

/** Packages of Node always are. */
const isInstalled = (name: PeerName, programs: Programs): boolean =>
  name === 'express' ||
  name === 'fastify' ||
  Object.keys(programs).some((tool) => tool.toLowerCase() === name)

export const endAll = ({ progress }: Bench, all: readonly Partial<Ended>[]): Promise<unknown> => {
  progress('')
  return Promise.all(all.map(({ end }) => end?.()))
}
