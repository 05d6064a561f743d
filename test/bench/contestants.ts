import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { objectBytes } from './answers.ts'
import { type Contestant, infoKey, silentKey } from './contest.ts'
import { peerNames } from './options.ts'
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
    { ...info, key: infoKey, title: 'cors-sidecar, log level info', logsRequests: true, knowsOrigins: true },
    { ...silent, key: silentKey, title: 'cors-sidecar, log level silent', knowsOrigins: true },
  ]
}

/** The requested peers that are installed. */
export async function startPeers(
  { testbed, options, missing }: Bench,
  upstreamPort: number,
): Promise<readonly (Contestant & Ended)[]> {
  const wanted = peerNames.filter((name) => options.peers?.includes(name) ?? true)
  const installed = wanted.filter((name) => !missing.some((tool) => tool.toLowerCase() === name))
  const started: (Contestant & Ended)[] = []
  for (const key of installed)
    started.push({
      ...(await startPeer(testbed, key, upstreamPort)),
      key,
      title: peerTitles[key],
      knowsOrigins: true,
    })
  return started
}

export const endAll = ({ progress }: Bench, all: readonly Partial<Ended>[]): Promise<unknown> => {
  progress('')
  return Promise.all(all.map(({ end }) => end?.()))
}
