import { setTimeout as wait } from 'node:timers/promises'
import type { LoadOutcome, Sent, SlowOutcome } from './client/job.ts'
import type { PodClient } from './pod-client.ts'
import { preflight, presignedGet, presignedPut, reader, s3At, writer } from './s3.ts'
import { require } from './step.ts'

const kibibyte = Buffer.alloc(1024, 'x').toString('base64')

/** The requests of the load: a page's preflight, and signed PUT and GET of 1 KiB. */
export async function loadRequests(base: string, client: PodClient): Promise<readonly Sent[]> {
  const s3 = s3At(base, client)
  const put = {
    url: await presignedPut(s3, 'load'),
    method: 'PUT',
    headers: { origin: writer },
    body: kibibyte,
  }
  const { status } = await client.send(put)
  require(status === 200, `the object of the load cannot be written: ${status}`)
  const get = { url: await presignedGet(s3, 'load'), headers: { origin: reader } }
  return [preflight(base, writer, 'PUT'), put, get]
}

/** Does something under load. Resolves with what the load's clients saw. */
export async function underLoad(
  client: PodClient,
  requests: readonly Sent[],
  perform: () => Promise<unknown>,
): Promise<LoadOutcome> {
  const end = client.load(requests)
  await wait(2_000)
  try {
    await perform()
    await wait(2_000)
  } catch (error) {
    await end().catch(() => undefined)
    throw error
  }
  return end()
}

const slowBytes = { up: 1 << 20, down: 64 << 20 }
/** Longer than sleep and grace of a drain, shorter than the drain timeout. */
const slowSeconds = 18

/** Writes the object that {@link slowTransfers} reads. */
export async function writeSlowObject(base: string, client: PodClient): Promise<void> {
  const up = await client.slowPut(await presignedPut(s3At(base, client), 'slow-down'), slowBytes.down, 1)
  require(up.status === 200, `the object for slow downloads cannot be written: ${up.error ?? up.status}`)
}

/** One slow upload and one slow download. Calls `during` 3 s later. Resolves with the aborted transfers. */
export async function slowTransfers(
  base: string,
  client: PodClient,
  during: () => Promise<unknown>,
): Promise<readonly string[]> {
  const s3 = s3At(base, client)
  const transfers = Promise.all([
    client.slowPut(await presignedPut(s3, 'slow-up'), slowBytes.up, slowSeconds),
    client.slowGet(await presignedGet(s3, 'slow-down'), slowBytes.down, slowSeconds),
  ])
  await wait(3_000)
  const [, [up, down]] = await Promise.all([during(), transfers])
  return [...broken('upload', up, slowBytes.up), ...broken('download', down, slowBytes.down)]
}

function broken(
  name: string,
  { status, bytes, seconds, error }: SlowOutcome,
  all: number,
): readonly string[] {
  if (status === 200 && bytes === all) return []
  return [
    `slow ${name} broke off after ${seconds.toFixed(1)} s with ${bytes} of ${all} bytes: ${error ?? status}`,
  ]
}

export const failuresOf = ({ failures }: LoadOutcome): string =>
  Object.entries(failures)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ')
