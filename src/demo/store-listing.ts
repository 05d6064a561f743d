import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { keyOf } from './object-name.ts'
import { escapeXml } from './store-answer.ts'

const maxListed = 1000

/**
 * The XML listing of a bucket, sorted by file name, with at most 1000 objects. `etagOf` returns the ETag of a file that
 * was stored by PUT.
 */
export async function listBucket(
  folder: string,
  bucket: string,
  etagOf: (file: string) => string | undefined,
): Promise<string> {
  const names = (await readdir(folder)).filter((name) => keyOf(name) !== undefined).sort()
  const entries = await Promise.all(names.slice(0, maxListed).map((name) => entryOf(folder, name, etagOf)))
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<ListBucketResult>',
    `  <Name>${escapeXml(bucket)}</Name>`,
    `  <IsTruncated>${names.length > maxListed}</IsTruncated>`,
    ...entries.flat(),
    '</ListBucketResult>',
    '',
  ].join('\n')
}

async function entryOf(
  folder: string,
  name: string,
  etagOf: (file: string) => string | undefined,
): Promise<string[]> {
  const file = join(folder, name)
  const stats = await stat(file).catch(() => undefined)
  // Deleted during the listing.
  if (stats === undefined) return []
  const etag = etagOf(file)
  return [
    '  <Contents>',
    `    <Key>${escapeXml(keyOf(name) ?? name)}</Key>`,
    `    <LastModified>${stats.mtime.toISOString()}</LastModified>`,
    ...(etag === undefined ? [] : [`    <ETag>${escapeXml(etag)}</ETag>`]),
    `    <Size>${stats.size}</Size>`,
    '  </Contents>',
  ]
}
