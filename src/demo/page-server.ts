import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Asset, consolePage, readPage } from '../admin/page-files.ts'
import { demoBuckets, isDemoBucket } from './example-data.ts'
import { refuseOtherCallers } from './local-caller.ts'
import type { PageSetup } from './page-setup.ts'
import { readRuleFile, writeRuleFile } from './rule-files.ts'
import { explainRequest, observeObject, type PageQuestion } from './sidecar-view.ts'

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Limit of a rule file from the page, in bytes; a longer one gets 413. */
const maxRuleFile = 16 * 1024

/**
 * Serves the demo's page and the endpoints of its script: explanations, the header lines that the sidecar sent, and the
 * rule files, which the page may change. Only the page on this machine may use it.
 */
export function servePage(setup: PageSetup): RequestListener {
  const policy = contentSecurityPolicy(setup)
  return (request, response) => {
    const refusal = refuseOtherCallers(request, setup.pageOrigins)
    const answered: Promise<Answer> =
      refusal === undefined
        ? answer(setup, request).catch(() =>
            text(502, 'The sidecar did not respond, or a file could not be read or written.'),
          )
        : Promise.resolve(text(refusal.status, refusal.message))
    void answered.then((done) => finish(request, response, policy, done))
  }
}

/** URL paths of the console's files that the page also uses, by file name. */
const sharedFiles = new Map([
  ['dom.js', '/admin/page/dom.js'],
  ['shared.css', '/admin/page/shared.css'],
])

/** The page's files by path. */
async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const [page, shared] = await Promise.all([
    readPage(new URL('./page/', import.meta.url)),
    readPage(consolePage),
  ])
  const own = [...page].map(([name, asset]): [string, Asset] => [
    name === 'index.html' ? '/' : `/${name}`,
    asset,
  ])
  const taken = [...shared].flatMap(([name, asset]): [string, Asset][] => {
    const path = sharedFiles.get(name)
    return path === undefined ? [] : [[path, asset]]
  })
  return new Map([...own, ...taken])
}

let reading: ReturnType<typeof readAssets> | undefined

/** Read at the first request. A failure is not cached: too many open files, for example, is temporary. */
function assets(): ReturnType<typeof readAssets> {
  reading ??= readAssets().catch((error: unknown) => {
    reading = undefined
    throw error
  })
  return reading
}

async function answer(setup: PageSetup, request: IncomingMessage): Promise<Answer> {
  // The prefix keeps a target such as `//other/` from being parsed as a host.
  const url = URL.parse(`http://page${request.url ?? ''}`)
  if (url === null) return text(400, 'The request target is not valid.')
  const file = /^\/rules\/([a-z]+)$/.exec(url.pathname)?.[1]
  if (request.method === 'PUT' && file !== undefined) return saveRules(setup, file, request)
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'Only GET is served here.')
  if (file !== undefined && isDemoBucket(file)) return text(200, await readRuleFile(setup.rulesFolder, file))
  const asset = (await assets()).get(url.pathname)
  if (asset !== undefined) return { status: 200, ...asset }
  switch (url.pathname) {
    case '/setup':
      return json({ ...setup, buckets: demoBuckets })
    case '/why':
      return why(setup, url.searchParams)
    case '/wire':
      return wire(setup, url.searchParams)
  }
  return text(404, 'Not found.')
}

async function why(setup: PageSetup, query: URLSearchParams): Promise<Answer> {
  const object = readObject(setup, query)
  if (object === undefined) return text(400, 'The demo has no such object or origin.')
  const [method = '', headers = ''] = ['method', 'headers'].map((name) => query.get(name) ?? '')
  return json(await explainRequest(setup, { ...object, method, headers, actual: query.has('actual') }))
}

async function wire(setup: PageSetup, query: URLSearchParams): Promise<Answer> {
  const object = readObject(setup, query)
  return object === undefined
    ? text(400, 'The demo has no such object or origin.')
    : json(await observeObject(setup, object))
}

/** `undefined` unless the query names a bucket of the demo and an origin of the page. */
function readObject(
  { pageOrigins }: PageSetup,
  query: URLSearchParams,
): Pick<PageQuestion, 'bucket' | 'key' | 'origin'> | undefined {
  const [bucket = '', key = '', origin = ''] = ['bucket', 'key', 'origin'].map(
    (name) => query.get(name) ?? '',
  )
  return isDemoBucket(bucket) && pageOrigins.includes(origin) && key.isWellFormed() && key !== ''
    ? { bucket, key, origin }
    : undefined
}

async function saveRules(setup: PageSetup, bucket: string, request: IncomingMessage): Promise<Answer> {
  if (!isDemoBucket(bucket)) return text(404, 'The demo has no such bucket.')
  const bytes = await readBody(request, maxRuleFile)
  if (bytes === undefined) return text(413, `The rule file is longer than ${maxRuleFile} bytes.`)
  await writeRuleFile(setup.rulesFolder, bucket, bytes)
  return text(200, 'Saved.')
}

/** Returns `undefined` if the body is longer than `limit` bytes. */
async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > limit) return undefined
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

/** The page may only run its own script, and only connect to its server, the sidecar and, to show the failure, the store. */
function contentSecurityPolicy({ sidecarOrigin, storeOrigin }: PageSetup): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    `connect-src 'self' ${sidecarOrigin} ${storeOrigin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function finish(request: IncomingMessage, response: ServerResponse, policy: string, done: Answer): void {
  // After an unread body the connection cannot be reused.
  if (!request.complete) response.setHeader('Connection', 'close')
  response.writeHead(done.status, {
    'Content-Type': done.type,
    'Content-Length': Buffer.byteLength(done.body),
    'Content-Security-Policy': policy,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  })
  response.end(done.body)
}

const text = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body })

const json = (value: unknown): Answer => ({
  status: 200,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
})
