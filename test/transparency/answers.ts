/** The response documents of the store. */

import type { Place } from './check-request.ts'
import type { Objects, StoreAnswer, Upload } from './objects.ts'

export const escapeXml = (text: string): string =>
  text.replace(/[<>&"'\r]/g, (character) => `&#${character.charCodeAt(0)};`)

export const xml = (status: number, element: string): StoreAnswer => ({
  status,
  headers: ['Content-Type', 'application/xml'],
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${element}`,
})

type Query = ReadonlyMap<string, string>

const day = '2026-10-21T07:28:00.000Z'
const owner = '<Owner><ID>1</ID><DisplayName>one</DisplayName></Owner>'

/** ListObjects versions 1 and 2: common fields, and those of the requested version. */
export function list({ stored }: Objects, bucket: string, query: Query): StoreAnswer {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const most = Number(query.get('max-keys') ?? 1000)
  const after = query.get('continuation-token') ?? query.get('start-after') ?? query.get('marker') ?? ''
  const name = nameWriter(query)
  const folders = new Set<string>()
  const entries: { readonly last: string; readonly element: string }[] = []
  for (const [path, object] of [...stored].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const key = path.slice(bucket.length + 1)
    if (!path.startsWith(`${bucket}/`) || !key.startsWith(prefix) || key <= after) continue
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    if (end >= 0) {
      const folder = key.slice(0, end + delimiter.length)
      if (folder > after && !folders.has(folder))
        entries.push({
          last: folder,
          element: `<CommonPrefixes><Prefix>${name(folder)}</Prefix></CommonPrefixes>`,
        })
      folders.add(folder)
      continue
    }
    const fields = `<LastModified>${day}</LastModified><ETag>${escapeXml(object.etag)}</ETag><Type>Normal</Type><Size>${object.content.length}</Size><StorageClass>STANDARD</StorageClass>`
    entries.push({ last: key, element: `<Contents><Key>${name(key)}</Key>${fields}${owner}</Contents>` })
  }
  const page = entries.slice(0, most)
  const isTruncated = entries.length > most
  const next = page.at(-1)?.last ?? ''
  const more = isTruncated
    ? `<NextContinuationToken>${escapeXml(next)}</NextContinuationToken><NextMarker>${name(next)}</NextMarker>`
    : ''
  const encoding = query.has('encoding-type') ? '<EncodingType>url</EncodingType>' : ''
  const head = `<Name>${bucket}</Name><Prefix>${name(prefix)}</Prefix><Delimiter>${name(delimiter)}</Delimiter><MaxKeys>${most}</MaxKeys><KeyCount>${page.length}</KeyCount>${encoding}<IsTruncated>${isTruncated}</IsTruncated>${more}`
  const elements = page.map(({ element }) => element).join('')
  return xml(200, `<ListBucketResult>${head}${elements}</ListBucketResult>`)
}

function nameWriter(query: Query): (name: string) => string {
  return query.get('encoding-type') === 'url' ? encodeURIComponent : escapeXml
}

export function listUploads({ uploads }: Objects, bucket: string, query: Query): StoreAnswer {
  const name = nameWriter(query)
  const prefix = query.get('prefix') ?? ''
  const elements = [...uploads]
    .filter(([, upload]) => upload.bucket === bucket && upload.object.startsWith(prefix))
    .map(
      ([id, { object }]) =>
        `<Upload><Key>${name(object)}</Key><UploadId>${id}</UploadId><Initiated>${day}</Initiated></Upload>`,
    )
  const head = `<Bucket>${bucket}</Bucket><Prefix>${name(prefix)}</Prefix><IsTruncated>false</IsTruncated>`
  return xml(200, `<ListMultipartUploadsResult>${head}${elements.join('')}</ListMultipartUploadsResult>`)
}

export function listParts({ bucket, object }: Place, id: string, { parts }: Upload): StoreAnswer {
  const elements = [...parts]
    .sort(([left], [right]) => left - right)
    .map(
      ([number, { etag, content }]) =>
        `<Part><PartNumber>${number}</PartNumber><LastModified>${day}</LastModified><ETag>${escapeXml(etag)}</ETag><Size>${content.length}</Size></Part>`,
    )
  const head = `<Bucket>${bucket}</Bucket><Key>${escapeXml(object)}</Key><UploadId>${id}</UploadId><IsTruncated>false</IsTruncated>`
  return xml(200, `<ListPartsResult>${head}${elements.join('')}</ListPartsResult>`)
}

export const copied = (etag: string): StoreAnswer =>
  xml(
    200,
    `<CopyObjectResult><ETag>${escapeXml(etag)}</ETag><LastModified>${day}</LastModified></CopyObjectResult>`,
  )
