import { type IncomingMessage, request as startRequest } from 'node:http'
import { Socket } from 'node:net'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { applyPatch, type HeaderPatch, type PlainResponse, type RequestFacts } from '../http.ts'
import { isCutOff } from '../proxy/closure.ts'
import type { Connect } from '../proxy/connect.ts'
import { type ForwardedFor, isUntilClose, requestLines, responseHead } from '../proxy/lines.ts'
import { childElements, ownText, readXmlDocument } from '../rule-file/xml-document.ts'

/** What the store makes of a signed `GET ?cors`. */
type StoreVerdict =
  /** It knows the caller, and would let them see the rules. */
  | { readonly kind: 'accepted' }
  /** Its answer, to be passed on. */
  | { readonly kind: 'answered'; readonly response: PlainResponse }
  /** It gave no answer that can be kept whole; whoever forwards the request says what that means. */
  | { readonly kind: 'unclear' }

interface AskStoreOptions {
  readonly connect: Connect
  /** Milliseconds for the whole answer. */
  readonly timeout: number
  /** As for every other request: the store's policies may ask for the client's address. */
  readonly forwardedFor: ForwardedFor
}

/** A call of the bucket CORS API as it is sent on. */
interface StoreQuestion {
  readonly facts: RequestFacts
  readonly target: string
  readonly patch: HeaderPatch
  /** Address of the caller. */
  readonly client: string
}

export type AskStore = (question: StoreQuestion) => Promise<StoreVerdict>

/** No answer to `?cors` that any store gives is larger: the largest configuration, with room for its layout. */
const maxAnswerBytes = 262_144
const maxHeaderSize = 65_536

/**
 * Sends the caller's own request to the store. What the store answers to it decides who the caller is, so that no
 * secret needs to be known here.
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
        // A connection of its own: such calls are rare, and a kept one could be closed by the store at any time.
        createConnection: (_, done) => {
          // Beside an error a socket is asked for, and not looked at.
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
          resolve(bytes === undefined ? { kind: 'unclear' } : judge(incoming, bytes, question.patch))
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

/** The whole body; `undefined` when it is too large, breaks off or may have been cut off. */
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

function judge(incoming: IncomingMessage, bytes: Buffer, patch: HeaderPatch): StoreVerdict {
  const status = incoming.statusCode ?? 0
  if (isAcceptance(status, decoded(bytes, incoming.headers['content-encoding']))) return { kind: 'accepted' }
  const head = responseHead(incoming.rawHeaders, { status, trailers: false })
  const body = bytes.toString('utf8')
  // An answer is passed on as text: what would not come out as it came in is left to be forwarded.
  if (head === undefined || status < 200 || status > 599 || !bytes.equals(Buffer.from(body)))
    return { kind: 'unclear' }
  if (head.lines.some((part) => !isAscii.test(part))) return { kind: 'unclear' }
  const lines = applyPatch(withoutLength(head.lines), patch)
  return { kind: 'answered', response: { status, headers: lines, body } }
}

const isAscii = /^[\t -~]*$/

/** Exactly what a store says to somebody who may see the rules: here they are, or there are none. */
function isAcceptance(status: number, body: string): boolean {
  if (status !== 200 && status !== 404) return false
  const document = body.replace(/^\ufeff?\s*/, '')
  const { root } = readXmlDocument(document)
  if (root === undefined) return false
  if (status === 200) return root.name === 'CORSConfiguration'
  // Read as a document: what else an error tells of the request could be made to look like a code.
  const [code, second] = childElements(root).filter(({ name }) => name === 'Code')
  if (root.name !== 'Error' || code === undefined || second !== undefined) return false
  return ownText(code, document).text === 'NoSuchCORSConfiguration'
}

/** The body as text, its coding undone; empty when that cannot be done within bounds. */
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
