import { createHash } from 'node:crypto'
import { copied, escapeXml, list, listParts, listUploads, xml } from './answers.ts'
import type { Place } from './check-request.ts'
import { checksum } from './checksums.ts'
import { headerValue, parametersOf, type Received } from './received.ts'

export interface StoredObject {
  readonly content: Buffer
  readonly etag: string
  /** Name, value, … as received: the object's metadata. */
  readonly headers: readonly string[]
}

export interface Upload {
  readonly bucket: string
  readonly object: string
  readonly headers: readonly string[]
  readonly parts: Map<number, StoredObject>
}

export interface StoreAnswer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer | string
}

/** The content of the store: objects by `bucket/object`, uploads by id. */
export interface Objects {
  readonly stored: Map<string, StoredObject>
  readonly uploads: Map<string, Upload>
}

export const emptyObjects = (): Objects => ({ stored: new Map(), uploads: new Map() })

export const error = (status: number, code: string, message: string): StoreAnswer =>
  xml(status, `<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`)

/** Performs a request that has passed all checks. `content` is its object or document. */
export function perform(objects: Objects, received: Received, place: Place, content: Buffer): StoreAnswer {
  const query = new Map(parametersOf(received))
  return place.object === ''
    ? performOnBucket(objects, received, place, content, query)
    : performOnObject(objects, received, place, content, query)
}

type Query = ReadonlyMap<string, string>

function performOnBucket(
  objects: Objects,
  { method }: Received,
  { bucket }: Place,
  content: Buffer,
  query: Query,
): StoreAnswer {
  if (method === 'HEAD') return { status: 200, headers: [], body: '' }
  if (method === 'POST' && query.has('delete')) return removeMany(objects, bucket, content)
  if (method !== 'GET') return error(405, 'MethodNotAllowed', method)
  if (query.has('location')) return xml(200, '<LocationConstraint>us-east-1</LocationConstraint>')
  return query.has('uploads') ? listUploads(objects, bucket, query) : list(objects, bucket, query)
}

function performOnObject(
  objects: Objects,
  received: Received,
  place: Place,
  content: Buffer,
  query: Query,
): StoreAnswer {
  const { stored, uploads } = objects
  const path = `${place.bucket}/${place.object}`
  const uploadId = query.get('uploadId')
  const upload = uploadId === undefined ? undefined : uploads.get(uploadId)
  if (uploadId !== undefined && upload === undefined) return error(404, 'NoSuchUpload', uploadId)
  switch (received.method) {
    case 'GET':
    case 'HEAD': {
      if (upload !== undefined) return listParts(place, uploadId ?? '', upload)
      const object = stored.get(path)
      return object === undefined ? error(404, 'NoSuchKey', path) : read(object, received)
    }
    case 'PUT': {
      const source = copySource(received)
      if (source !== undefined) return copy(objects, received, path, source)
      const object = { content, etag: etagOf(content), headers: keptHeaders(received) }
      if (upload === undefined) stored.set(path, object)
      else upload.parts.set(Number(query.get('partNumber')), object)
      return { status: 200, headers: ['ETag', object.etag], body: '' }
    }
    case 'DELETE':
      if (uploadId === undefined) stored.delete(path)
      else uploads.delete(uploadId)
      return { status: 204, headers: [], body: '' }
    case 'POST':
      if (query.has('uploads')) return initiate(objects, received, place)
      if (upload !== undefined) return complete(objects, place, uploadId ?? '', upload, content.toString())
  }
  return error(405, 'MethodNotAllowed', received.method)
}

/** Stores a form's file, as `POST` on the bucket does. `${filename}` in the key stands for the file's name. */
export function performForm(
  objects: Objects,
  bucket: string,
  fields: Readonly<Record<string, string>>,
  name: string,
  content: Buffer,
): StoreAnswer {
  const object = (fields.key ?? '').replaceAll(`\${filename}`, name)
  const headers = Object.entries(fields)
    .filter(([field]) => keptName.test(field))
    .flat()
  objects.stored.set(`${bucket}/${object}`, { content, etag: etagOf(content), headers })
  const status = Number(fields.success_action_status ?? 204)
  return { status, headers: ['ETag', etagOf(content)], body: '' }
}

export const etagOf = (content: Uint8Array): string => `"${createHash('md5').update(content).digest('hex')}"`

const keptName =
  /^(?:x-(?:amz|oss|cos)-meta-.*|content-type|content-disposition|content-encoding|cache-control|expires)$/i

/** The headers that are returned with the object. aws-chunked is not an encoding of the object. */
function keptHeaders({ headers }: Received): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const isEncoding = name.toLowerCase() === 'content-encoding'
    const value = headers[i + 1] ?? ''
    const plain = isEncoding ? value.replace(/,?aws-chunked$/, '') : value
    if (keptName.test(name) && plain !== '') kept.push(name, plain)
  }
  return kept
}

function read(object: StoredObject, received: Received): StoreAnswer {
  const { content, etag, headers } = object
  const lines = [
    ...['ETag', etag, 'Last-Modified', 'Wed, 21 Oct 2026 07:28:00 GMT', 'Accept-Ranges', 'bytes'],
    ...headers,
  ]
  const range = /^bytes=([0-9]*)-([0-9]*)$/.exec(headerValue(received, 'range') ?? '')
  if (range === null) {
    if (headerValue(received, 'x-amz-checksum-mode') === 'ENABLED')
      lines.push('x-amz-checksum-crc32', checksum('crc32', content) ?? '')
    return { status: 200, headers: lines, body: content }
  }
  const [, first = '', last = ''] = range
  const start = first === '' ? Math.max(0, content.length - Number(last)) : Number(first)
  const end = first === '' || last === '' ? content.length - 1 : Math.min(Number(last), content.length - 1)
  if (start > end) return error(416, 'InvalidRange', range[0])
  lines.push('Content-Range', `bytes ${start}-${end}/${content.length}`)
  return { status: 206, headers: lines, body: content.subarray(start, end + 1) }
}

/** The source of a copy as `bucket/object`, percent-decoded. In COS the bucket is the first label of a host name. */
function copySource(received: Received): string | undefined {
  const source =
    headerValue(received, 'x-amz-copy-source') ??
    headerValue(received, 'x-oss-copy-source') ??
    headerValue(received, 'x-cos-copy-source')?.replace(/^([^./]+)\.[^/]+/, '$1')
  return source === undefined ? undefined : decodeURIComponent(source.replace(/^\//, ''))
}

function copy({ stored }: Objects, received: Received, path: string, source: string): StoreAnswer {
  const object = stored.get(source)
  if (object === undefined) return error(404, 'NoSuchKey', source)
  stored.set(path, { ...object, headers: [...object.headers, ...keptHeaders(received)] })
  return copied(object.etag)
}

/** A deterministic id, so that two runs can be compared. */
function initiate({ uploads }: Objects, received: Received, { bucket, object }: Place): StoreAnswer {
  const id = `upload-${createHash('sha1').update(`${bucket}/${object}`).digest('hex')}`
  uploads.set(id, { bucket, object, headers: keptHeaders(received), parts: new Map() })
  const fields = `<Bucket>${bucket}</Bucket><Key>${escapeXml(object)}</Key><UploadId>${id}</UploadId>`
  return xml(200, `<InitiateMultipartUploadResult>${fields}</InitiateMultipartUploadResult>`)
}

function complete(
  { stored, uploads }: Objects,
  { bucket, object }: Place,
  id: string,
  upload: Upload,
  document: string,
): StoreAnswer {
  const contents: Buffer[] = []
  for (const [part] of document.matchAll(/<Part>.*?<\/Part>/gs)) {
    const found = upload.parts.get(Number(/<PartNumber>([0-9]+)</.exec(part)?.[1]))
    const etag = /<ETag>(.*?)<\/ETag>/.exec(part)?.[1]?.replaceAll(/&quot;|&#34;|"/g, '')
    if (found === undefined || found.etag !== `"${etag}"`) return error(400, 'InvalidPart', part)
    contents.push(found.content)
  }
  const content = Buffer.concat(contents)
  const etag = `${etagOf(content).slice(0, -1)}-${contents.length}"`
  stored.set(`${bucket}/${object}`, { content, etag, headers: upload.headers })
  uploads.delete(id)
  const fields = `<Bucket>${bucket}</Bucket><Key>${escapeXml(object)}</Key><ETag>${escapeXml(etag)}</ETag>`
  const result = `<CompleteMultipartUploadResult><Location>http://store.test/</Location>${fields}</CompleteMultipartUploadResult>`
  return { ...xml(200, result), headers: ['Content-Type', 'application/xml', 'ETag', etag] }
}

function removeMany({ stored }: Objects, bucket: string, content: Buffer): StoreAnswer {
  const keys = [...content.toString().matchAll(/<Key>(.*?)<\/Key>/gs)].map(([, key = '']) => unescapeXml(key))
  for (const key of keys) stored.delete(`${bucket}/${key}`)
  const deleted = keys.map((key) => `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`)
  return xml(200, `<DeleteResult>${deleted.join('')}</DeleteResult>`)
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
const unescapeXml = (text: string): string =>
  text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => entities[name] ?? '')
