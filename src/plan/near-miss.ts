/** Recognises requests that were probably meant for a bucket with a rule file but do not reach it. */

import { nearest } from '../rule-file/closest.ts'
import { isCorsName } from '../rule-file/names.ts'
import { hostName } from './address.ts'
import type { Judgement } from './judge.ts'
import { fallbackName, type Snapshot, serviceName } from './snapshot.ts'

/** A bucket that was probably meant. `isCertain`: rules for any other bucket would be wrong. */
interface NearMiss {
  readonly text: string
  readonly isCertain: boolean
}

/** `host` is the request's Host header. */
export function nearMiss(snapshot: Snapshot, judgement: Judgement, host: string): NearMiss | undefined {
  const { address, policy } = judgement
  if (address.kind === 'refused') return undefined
  const byHost = address.kind !== 'service' && address.byHost ? undefined : bucketInHost(snapshot, host)
  if (
    byHost !== undefined &&
    (policy === undefined || policy.name === fallbackName || policy.name === serviceName)
  )
    return { text: byHost, isCertain: true }
  if (address.kind !== 'bucket' || (policy !== undefined && policy.name !== fallbackName)) return undefined
  const named = corsNamed(snapshot)
  const near = closeName(snapshot, address.name)
  if (near !== undefined)
    return { text: `Did you mean the bucket ${near}, which has a rule file?`, isCertain: false }
  return named === undefined
    ? undefined
    : {
        text: `${named.file} holds the rules of a bucket named ${named.bucket}: if they belong to ${address.name}, rename it to ${address.name}${named.file.slice(named.bucket.length)}.`,
        isCertain: false,
      }
}

function bucketInHost({ buckets }: Snapshot, sent: string): string | undefined {
  const host = hostName(sent)
  for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
    const policy = buckets.get(host.slice(0, dot))
    const suffix = host.slice(dot + 1)
    if (policy !== undefined && /[a-z]/.test(suffix))
      return `The Host begins with ${policy.name}, a bucket that has a rule file, but --host-suffix ${suffix} is not set. Start serve with --host-suffix ${suffix} if the store uses virtual-hosted addresses; otherwise put the bucket in the path.`
  }
  return undefined
}

/** Bound: edit distances to ten thousand names would take longer than a response may. */
const maxCompared = 200

function closeName({ buckets }: Snapshot, name: string): string | undefined {
  const wanted = name.toLowerCase()
  const candidates: string[] = []
  for (const bucket of buckets.keys()) {
    const other = bucket.toLowerCase()
    const isNear =
      Math.abs(other.length - wanted.length) <= 2 &&
      (other.startsWith(wanted.slice(0, 2)) || other.endsWith(wanted.slice(-2)))
    if (isNear && candidates.push(bucket) === maxCompared) break
  }
  return nearest(name, candidates)
}

/** A file such as cors.json, which people expect to apply to every bucket. */
const corsNamed = ({ files }: Snapshot): { readonly file: string; readonly bucket: string } | undefined =>
  files.find(({ bucket }) => isCorsName(bucket))
