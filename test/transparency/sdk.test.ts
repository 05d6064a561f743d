import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessKeyId, secret } from '../auth/clients.ts'
import { cosCalls } from './calls-cos.ts'
import { minioCalls } from './calls-minio.ts'
import { ossCalls } from './calls-oss.ts'
import { s3Calls } from './calls-s3.ts'
import { startInFront } from './in-front.ts'
import { asArrived, proofsOf, type SdkCall } from './sdk-call.ts'
import { startVerifyingStore, type VerifyingStore } from './verifying-store.ts'

const calls: readonly SdkCall[] = [...s3Calls, ...minioCalls, ...ossCalls, ...cosCalls]

/** Runs `call` through `port` and tells what the program saw and what arrived at the store. */
async function runThrough(call: SdkCall, store: VerifyingStore, port: number) {
  store.reset()
  const result = await call.run(port)
  const recorded = store.recorded()
  return {
    result,
    refused: recorded.flatMap(({ checked, method, target }) =>
      checked.kind === 'refused' ? [`${method} ${target}: ${checked.code}: ${checked.why}`] : [],
    ),
    proofs: proofsOf(recorded),
    requests: recorded
      .map((request) => asArrived(request, port))
      .sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1)),
  }
}

describe.each([...new Set(calls.map(({ group }) => group))])('$name', (group) => {
  let store: VerifyingStore
  let sidecar: Awaited<ReturnType<typeof startInFront>>
  beforeAll(async () => {
    const { dialect, bucket, hostSuffixes } = group
    store = await startVerifyingStore({ key: { id: accessKeyId, secret }, hostSuffixes })
    sidecar = await startInFront(store.port, [bucket], { dialect, hostSuffix: hostSuffixes })
  })
  afterAll(async () => {
    await sidecar.close()
    await store.close()
  })

  test.each(calls.filter((call) => call.group === group))('$name', async (call) => {
    const direct = await runThrough(call, store, store.port)
    expect(direct.refused, 'without the sidecar').toEqual([])
    expect(direct.proofs).toEqual([...call.proofs].sort())
    const through = await runThrough(call, store, sidecar.port)
    expect(through).toEqual(direct)
  })
})
