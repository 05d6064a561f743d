import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessKeyId, s3Client, secret } from '../auth/clients.ts'
import { chunkSignedCalls } from './calls-chunk-signed.ts'
import { cosCalls } from './calls-cos.ts'
import { minioCalls } from './calls-minio.ts'
import { ossCalls } from './calls-oss.ts'
import { presignedCalls } from './calls-presigned.ts'
import { s3Calls } from './calls-s3.ts'
import { startInFront } from './in-front.ts'
import { headerValue } from './received.ts'
import { asArrived, proofsOf, type SdkCall } from './sdk-call.ts'
import { startVerifyingStore, type VerifyingStore } from './verifying-store.ts'

const calls: readonly SdkCall[] = [
  ...s3Calls,
  ...presignedCalls,
  ...chunkSignedCalls,
  ...minioCalls,
  ...ossCalls,
  ...cosCalls,
]

/** Runs `call` through `port`. Returns what the program saw and what arrived at the store. */
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

/** Runs `act` with a store and a sidecar. */
async function together(act: (store: VerifyingStore, port: number) => Promise<void>): Promise<void> {
  const store = await startVerifyingStore({ key: { id: accessKeyId, secret }, hostSuffixes: [] })
  const sidecar = await startInFront(store.port, ['photos'], { dialect: 's3' })
  try {
    await act(store, sidecar.port)
  } finally {
    await sidecar.close()
    await store.close()
  }
}

test('the parts of an upload are sent by clients that wait for 100 (Continue)', async () => {
  const call = s3Calls.find(({ name }) => name.startsWith('lib-storage'))
  await together(async (store, port) => {
    await call?.run(port)
    const parts = store.recorded().filter(({ target }) => target.includes('partNumber'))
    const asked = parts.filter((request) => headerValue(request, 'expect') === '100-continue')
    expect(asked.length).toBeGreaterThan(1)
  })
})

test('a name with a dot segment is refused by the sidecar, in a way that the SDK can read', async () => {
  await together(async (store, port) => {
    for (const Key of ['../other/x', 'a/../b', 'a/./b', '..']) {
      const put = new PutObjectCommand({ Bucket: 'photos', Key, Body: 'x' })
      const error = await s3Client(port)
        .send(put)
        .catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'InvalidURI', $metadata: { httpStatusCode: 400 } })
    }
    expect(store.recorded()).toEqual([])
  })
})
