import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { applyPatch, type HeaderPatch, type PlainResponse, type RequestFacts } from '../http.ts'
import { isCutOff } from '../proxy/closure.ts'
import type { Connect } from '../proxy/connect.ts'
import { type ForwardedFor, isUntilClose, requestLines, responseHead } from '../proxy/lines.ts'
import { request as startRequest } from '../proxy/node-http.ts'

/** How the store reacts to a signed `GET ?cors`. */
type StoreAnswer =
  /** It authenticates the caller and allows them to read the rules. */
  | { readonly kind: 'accepted' }
  /** Any other response, to be passed on. */
  | { readonly kind: 'answered'; readonly response: PlainResponse }
  /**
   * No response, or one that cannot be buffered and passed on unchanged. Forward the request instead, so that its failure is handled as usual.
   */
  | { readonly kind: 'unclear' }

interface AskStoreOptions {
  readonly connect: Connect
  /** Milliseconds for the complete response. */
  readonly timeout: number
  /** As for any other request: the store's policies may check the client's address. */
  readonly forwardedFor: ForwardedFor
}

/** A call of the bucket CORS API, as forwarded. */
interface StoreQuestion {
  readonly facts: RequestFacts
  readonly target: string
  readonly patch: HeaderPatch
  /** IP address of the caller. */
  readonly client: string
}

export type AskStore = (question: StoreQuestion) => Promise<StoreAnswer>

/** Larger than any store's answer to `?cors`: the largest configuration, plus its XML layout. */
const maxAnswerBytes = 262_144
const maxHeaderSize = 65_536

/**
 * Forwards the caller's own request to the store. The store's response shows whether the caller is authorized, so
 * the sidecar needs no secrets.
 */
export const createAskStore =
  ({ connect, timeout, forwardedFor }: AskStoreOptions): AskStore =>
  (question) =>
    new Promise((resolve) => {
      const unclear = (): void => resolve({ kind: 'unclear' })
      const outgoing = startRequest({
        method: 'GET',
        path: question.target,
        headers: linesFor(question, forwardedFor),
        setDefaultHeaders: false,
        maxHeaderSize,
        // A new connection: such calls are rare, and the store may close an idle connection at any time.
        createConnection: (_, done) => {
          // The type requires a socket even with an error; Node ignores it then.
          connect((error, socket) => done(socket === null ? error : null, socket ?? new Socket()))
          return undefined
        },
      })
      outgoing.maxHeadersCount = 0
      const timer = setTimeout(() => outgoing.destroy(), timeout)
      outgoing.on('close', () => {
        clearTimeout(timer)
        unclear()
      })
      outgoing.on('error', unclear)
      outgoing.on('upgrade', (_, socket) => socket.destroy())
      outgoing.on('response', (incoming) => {
        readAnswer(incoming).then((bytes) => {
          resolve(bytes === undefined ? { kind: 'unclear' } : answerOf(incoming, bytes, question.patch))
          outgoing.destroy()
        }, unclear)
      })
      outgoing.end()
    })

function linesFor({ facts, client }: StoreQuestion, forwardedFor: ForwardedFor): string[] {
  const lines = requestLines({
    headers: facts.headers,
    framing: { kind: 'none' },
    nominated: facts.nominated,
    authority: facts.host ?? '',
    hasHost: facts.host !== undefined,
    expects: false,
    client,
    forwardedFor,
  })
  lines.push('Connection', 'close')
  return lines
}

/** The complete body; `undefined` when it is too large, is aborted or may be truncated. */
async function readAnswer(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxAnswerBytes) return undefined
    chunks.push(chunk)
  }
  if (isUntilClose(incoming.rawHeaders) && isCutOff(incoming.socket)) return undefined
  return incoming.complete ? Buffer.concat(chunks, length) : undefined
}

async function answerOf(incoming: IncomingMessage, bytes: Buffer, patch: HeaderPatch): Promise<StoreAnswer> {
  const status = incoming.statusCode ?? 0
  if (await isAcceptance(status, decoded(bytes, incoming.headers['content-encoding'])))
    return { kind: 'accepted' }
  const head = responseHead(incoming.rawHeaders, { status, trailers: false })
  const body = bytes.toString('utf8')
  // Responses are passed on as text, so one that would change in UTF-8 is forwarded instead.
  if (head === undefined || status < 200 || status > 599 || !bytes.equals(Buffer.from(body)))
    return { kind: 'unclear' }
  if (head.lines.some((part) => !isAscii.test(part))) return { kind: 'unclear' }
  const lines = applyPatch(withoutLength(head.lines), patch)
  return { kind: 'answered', response: { status, headers: lines, body } }
}

const isAscii = /^[\t -~]*$/

/**
 * Whether this is exactly what a store sends to a caller who may read the rules: the rules, or that there are none.
 */
async function isAcceptance(status: number, body: string): Promise<boolean> {
  if (status !== 200 && status !== 404) return false
  const document = body.replace(/^\ufeff?\s*/, '')
  // Loaded on demand: the XML parser is needed only when a store has been asked for its rules.
  const { childElements, ownText, readXmlDocument } = await import('../rule-file/xml-document.ts')
  const { root } = readXmlDocument(document)
  if (root === undefined) return false
  if (status === 200) return root.name === 'CORSConfiguration'
  // Parsed as XML: elsewhere in an error a client could place text that looks like the code.
  const [code, second] = childElements(root).filter(({ name }) => name === 'Code')
  if (root.name !== 'Error' || code === undefined || second !== undefined) return false
  return ownText(code, document).text === 'NoSuchCORSConfiguration'
}

/** The body as text, with Content-Encoding removed; empty when that fails or exceeds the bounds. */
function decoded(bytes: Buffer, coding: string | undefined): string {
  try {
    return decode(bytes, coding?.toLowerCase()).toString('utf8')
  } catch {
    return ''
  }
}

function decode(bytes: Buffer, coding: string | undefined): Buffer {
  const bounds = { maxOutputLength: maxAnswerBytes }
  switch (coding) {
    case undefined:
    case 'identity':
      return bytes
    case 'gzip':
      return gunzipSync(bytes, bounds)
    case 'deflate':
      return inflateSync(bytes, bounds)
    case 'br':
      return brotliDecompressSync(bytes, bounds)
    default:
      return Buffer.alloc(0)
  }
}

function withoutLength(lines: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < lines.length; i += 2)
    if (lines[i]?.toLowerCase() !== 'content-length') kept.push(lines[i] ?? '', lines[i + 1] ?? '')
  return kept
}
