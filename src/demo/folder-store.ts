import type { Stats } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { join } from 'node:path'
import send from 'send'
import { fileNameOf, readAddress } from './object-name.ts'
import { refuse, sendXml } from './store-answer.ts'
import { listBucket } from './store-listing.ts'
import { type Bound, upload } from './store-upload.ts'

interface FolderStoreOptions {
  /** Folder that holds one folder per bucket. */
  readonly root: string
  /** The store has no other buckets. */
  readonly buckets: readonly string[]
  readonly maxObjectBytes: number
  /** Limit for all objects stored by PUT together, in bytes. */
  readonly maxTotalBytes: number
}

/** Headers of the PUT, kept in memory until the program ends. */
interface StoredObject {
  readonly size: number
  readonly modified: number
  readonly etag: string
  readonly contentType: string | undefined
  readonly metadata: readonly (readonly [string, string])[]
}

interface Store {
  readonly options: FolderStoreOptions
  /** Key: path of the file. */
  readonly objects: Map<string, StoredObject>
  /** Bytes stored or being received. */
  bytes: number
}

interface Place {
  readonly folder: string
  readonly name: string
  readonly file: string
}

const maxObjects = 1000
const maxMetadata = 2048
const methods = ['GET', 'HEAD', 'PUT', 'DELETE']

/** Stores send such a header to name the node; the example rule does not expose it. */
const nodeHeader = 'x-store-node'
/** Headers of a PUT that every GET of the object returns, beside Cache-Control. */
const metadataPrefix = 'x-meta-'

/**
 * An object store over a folder: GET and HEAD (ranges, ETag, conditional requests), PUT, DELETE, and a listing of each
 * bucket. It has no CORS support: OPTIONS gets 405, like any other unknown method.
 */
export async function openFolderStore(options: FolderStoreOptions): Promise<RequestListener> {
  const store: Store = { options, objects: new Map(), bytes: 0 }
  for (const bucket of options.buckets) await mkdir(join(options.root, bucket), { recursive: true })
  return (request, response) => {
    response.setHeader(nodeHeader, 'folder-1')
    serve(store, request, response).catch(() =>
      refuse(response, 500, 'InternalError', 'The folder could not be read or written.'),
    )
  }
}

async function serve(store: Store, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!methods.includes(request.method ?? '')) return refuseMethod(response)
  const address = readAddress(request.url ?? '')
  if (address === undefined) return refuse(response, 400, 'InvalidURI', 'The path names no bucket.')
  const { bucket, key } = address
  if (!store.options.buckets.includes(bucket))
    return refuse(response, 404, 'NoSuchBucket', 'The specified bucket does not exist.')
  const folder = join(store.options.root, bucket)
  if (key === '') {
    if (request.method === 'PUT' || request.method === 'DELETE') return refuseMethod(response)
    return sendXml(response, 200, await listBucket(folder, bucket, (file) => store.objects.get(file)?.etag))
  }
  const name = fileNameOf(key)
  if (name === undefined) return refuse(response, 400, 'KeyTooLongError', 'The key is too long.')
  const place: Place = { folder, name, file: join(folder, name) }
  if (request.method === 'PUT') return put(store, place, request, response)
  if (request.method === 'DELETE') return remove(store, place, response)
  return get(store, place, request, response)
}

function get(store: Store, place: Place, request: IncomingMessage, response: ServerResponse): void {
  const options = { root: place.folder, dotfiles: 'deny', index: false, cacheControl: false } as const
  send(request, encodeURIComponent(place.name), options)
    .on('headers', (_response: ServerResponse, _path: string, stats: Stats) => {
      const object = store.objects.get(place.file)
      // A file that was changed on disk is served as it is, with the ETag that `send` computes.
      if (object?.size === stats.size && object.modified === stats.mtimeMs) describe(object, response)
    })
    .on('error', (error: { readonly status?: number; readonly headers?: Record<string, string> }) => {
      const status = error.status ?? 500
      const [code, message] = failures.get(status) ?? ['InternalError', 'The object could not be read.']
      refuse(response, status, code, message, error.headers)
    })
    .on('directory', () => refuse(response, 404, 'NoSuchKey', 'The specified key does not exist.'))
    .pipe(response)
}

const failures: ReadonlyMap<number, readonly [string, string]> = new Map([
  [404, ['NoSuchKey', 'The specified key does not exist.']],
  [412, ['PreconditionFailed', 'At least one of the conditions you specified did not hold.']],
  [416, ['InvalidRange', 'The requested range cannot be satisfied.']],
])

function describe(object: StoredObject, response: ServerResponse): void {
  response.setHeader('ETag', object.etag)
  if (object.contentType !== undefined) response.setHeader('Content-Type', object.contentType)
  for (const [header, value] of object.metadata) response.setHeader(header, value)
}

async function put(
  store: Store,
  place: Place,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { maxObjectBytes, maxTotalBytes } = store.options
  if (Number(request.headers['content-length'] ?? 0) > maxObjectBytes) return refuseSize(response, 'object')
  if (!store.objects.has(place.file) && store.objects.size >= maxObjects) return refuseSize(response, 'total')
  const metadata = metadataOf(request)
  if (JSON.stringify(metadata).length > maxMetadata)
    return refuse(response, 400, 'MetadataTooLarge', 'Your metadata headers are too large.')
  let received = 0
  try {
    const outcome = await upload(request, place.file, (bytes) => {
      received += bytes
      store.bytes += bytes
      if (received > maxObjectBytes) return 'object'
      return store.bytes > maxTotalBytes ? 'total' : undefined
    })
    if (outcome.kind === 'full') return refuseSize(response, outcome.bound)
    const { size, mtimeMs } = await stat(place.file)
    const contentType = request.headers['content-type']
    forget(store, place)
    store.objects.set(place.file, { size, modified: mtimeMs, etag: outcome.etag, contentType, metadata })
    store.bytes += size
    response.writeHead(200, { ETag: outcome.etag, 'Content-Length': 0 }).end()
  } finally {
    store.bytes -= received
  }
}

function metadataOf(request: IncomingMessage): (readonly [string, string])[] {
  return Object.entries(request.headersDistinct)
    .filter(([header]) => header.startsWith(metadataPrefix) || header === 'cache-control')
    .map(([header, values]) => [header, (values ?? []).join(', ')])
}

async function remove(store: Store, place: Place, response: ServerResponse): Promise<void> {
  await rm(place.file, { force: true })
  forget(store, place)
  response.writeHead(204).end()
}

function forget(store: Store, place: Place): void {
  store.bytes -= store.objects.get(place.file)?.size ?? 0
  store.objects.delete(place.file)
}

function refuseMethod(response: ServerResponse): void {
  const message = 'The specified method is not allowed against this resource.'
  refuse(response, 405, 'MethodNotAllowed', message, { Allow: methods.join(', ') })
}

function refuseSize(response: ServerResponse, bound: Bound): void {
  // The rest of the body is not read, so the connection cannot be reused.
  const last = { Connection: 'close' }
  if (bound === 'object')
    refuse(response, 413, 'EntityTooLarge', 'The object is larger than this store takes.', last)
  else refuse(response, 507, 'StoreFull', 'This store is full.', last)
}
