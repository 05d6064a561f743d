import type { Readable } from 'node:stream'
import { PutObjectCommand, type PutObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3'
import { fingerprint, type Group } from './sdk-call.ts'

export const Bucket = 'photos'
export const pathStyle: Group = { name: 'S3, path style', dialect: 's3', bucket: Bucket, hostSuffixes: [] }
export const hostStyle: Group = {
  name: 'S3, bucket in Host',
  dialect: 's3',
  bucket: Bucket,
  hostSuffixes: ['s3.test'],
}

/** What a program sees of a response. */
export async function seen(answer: object): Promise<unknown> {
  const { $metadata, Body, ...fields } = answer as {
    $metadata: { httpStatusCode?: number }
    Body?: { transformToByteArray(): Promise<Uint8Array> }
  }
  const body = Body === undefined ? undefined : fingerprint(await Body.transformToByteArray())
  return { ...fields, status: $metadata.httpStatusCode, body }
}

export const signed = ['sigv4 header', 'body hash']
/** What the client adds to every request with a body. */
export const checked = [...signed, 'crc32']

export const put = (
  client: S3Client,
  Key: string,
  Body: string | Buffer | Readable,
  more: object = {},
): Promise<PutObjectCommandOutput> => client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))

/** Creates objects for the following calls. */
export async function withKeys(client: S3Client, keys: readonly string[]): Promise<S3Client> {
  for (const key of keys) await put(client, key, key)
  return client
}
