/** Stores as people run them, behind the sidecar, while the rules change. */

import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { accessKeyId, secretAccessKey } from '../../minio/minio.ts'
import { replace } from '../../rules/directory.ts'
import { exchange, preflight } from '../../serve/exchange.ts'
import { contentOf, isInstalled, type StoreKind, stores } from '../../stores/stores.ts'
import { type Measured, NotRun } from '../figure.ts'
import { inBatches } from './batches.ts'
import { origin, rulesFor, type Sidecar, startSidecar, withRules } from './sidecar.ts'

interface Options {
  /** Objects that are read, and with S3 as many that are written, at each store. */
  readonly count: number
}

const kinds = stores.filter(({ name }) => name.endsWith(' by path'))
const bucket = 'public'
const object = contentOf(bucket, 'secret')
const atOnce = 8
const largestUpload = 2 * 1024 * 1024

/** Every kind that is installed. */
export async function realStores({ count }: Options): Promise<Measured> {
  const installed = kinds.filter(({ program }) => isInstalled(program))
  if (installed.length === 0) throw new NotRun('none of nginx, minio and versitygw is installed')
  const missing = kinds.filter((kind) => !installed.includes(kind)).map(({ program }) => program)
  const measured: Measured[] = []
  for (const kind of installed) measured.push(await behind(kind, count))
  const omission = missing.length === 0 ? '' : `; not installed: ${missing.join(', ')}`
  return {
    measured: `${measured.map((one) => one.measured).join('; ')}${omission}`,
    held: measured.every(({ held }) => held),
  }
}

function behind(kind: StoreKind, count: number): Promise<Measured> {
  return withRules(async (rules) => {
    await writeFile(join(rules, `${bucket}.yaml`), rulesFor(1))
    const store = await kind.start()
    const sidecar = await startSidecar({ upstream: store.url, rules, flags: ['--bucket-cors-api', 'off'] })
    let reloads = 0
    let isOver = false
    const changing = (async (): Promise<void> => {
      while (!isOver) {
        await replace(rules, `${bucket}.yaml`, rulesFor(2 + reloads++))
        await wait(500)
      }
    })()
    try {
      const read = await inBatches(count, atOnce, () => readings(sidecar))
      const uploads = kind.program === 'nginx' ? 0 : count
      const written = await uploadAll(sidecar, uploads)
      const problems = [...read, ...written].flat()
      const words = problems.length === 0 ? '' : ` (${[...new Set(problems)].slice(0, 3).join('; ')})`
      return {
        measured: `${kind.program}: ${count} objects read by GET, in part and by HEAD, each with a preflight${uploads === 0 ? '' : `, ${uploads} written, read back with equal SHA-256 and deleted`}, during ${reloads} reloads: ${problems.length} wrong${words}`,
        held: problems.length === 0 && reloads > 0 && sidecar.isAlive(),
      }
    } finally {
      isOver = true
      await changing
      await sidecar.end()
      await store.close()
    }
  })
}

/** What was wrong with a GET, a HEAD, a GET of a part, and a preflight. */
async function readings({ data }: Sidecar): Promise<readonly string[]> {
  const url = `${data}/${bucket}/secret`
  const from = { Origin: origin }
  const asked = [
    { what: 'GET', sent: { headers: from }, status: 200, body: object },
    { what: 'HEAD', sent: { method: 'HEAD', headers: from }, status: 200, body: '' },
    {
      what: 'part',
      sent: { headers: { ...from, Range: 'bytes=3-7' } },
      status: 206,
      body: object.slice(3, 8),
    },
    { what: 'preflight', sent: preflight(origin, 'PUT'), status: 200, body: '' },
  ]
  const problems = asked.map(async ({ what, sent, status, body }) => {
    try {
      const answer = await exchange(url, sent)
      const isWhole = answer.status === status && answer.body.toString() === body
      const isShared = answer.headers['access-control-allow-origin'] === origin
      return isWhole && isShared
        ? []
        : [`${what}: ${answer.status}${isShared ? '' : ' without CORS headers'}`]
    } catch (error) {
      return [`${what}: ${String(error)}`]
    }
  })
  return (await Promise.all(problems)).flat()
}

async function uploadAll(sidecar: Sidecar, count: number): Promise<readonly (readonly string[])[]> {
  const client = new S3Client({
    endpoint: sidecar.data,
    credentials: { accessKeyId, secretAccessKey },
    region: 'us-east-1',
    forcePathStyle: true,
    // A request that is sent again would hide a failure.
    maxAttempts: 1,
  })
  const written = await inBatches(count, atOnce, (index) =>
    upload(client, `upload-${index}`).catch((error: unknown) => [`upload: ${String(error)}`]),
  )
  client.destroy()
  return written
}

async function upload(client: S3Client, key: string): Promise<readonly string[]> {
  const body = randomBytes(Math.floor(Math.random() * largestUpload))
  const place = { Bucket: bucket, Key: key }
  await client.send(new PutObjectCommand({ ...place, Body: body }))
  const { Body: stored } = await client.send(new GetObjectCommand(place))
  const back = (await stored?.transformToByteArray()) ?? new Uint8Array()
  await client.send(new DeleteObjectCommand(place))
  return sha256(back) === sha256(body) ? [] : [`upload: ${back.length} of ${body.length} bytes came back`]
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
