import { randomBytes } from 'node:crypto'
import type { HeaderLines } from '../http.ts'
import { type AskOptions, ask, isCertificateFailure, type Sent } from './ask.ts'
import { type Attempt, type Endpoint, type Facts, needsPreflight, type Question } from './facts.ts'

interface Examination {
  readonly question: Question
  /** Where to reach the store directly, with the Host of the question. */
  readonly store: Endpoint | undefined
  readonly timeout: number
  readonly ca: readonly string[]
  readonly connectTo: AskOptions['connectTo']
  /** Size of the announced upload, in bytes. */
  readonly size: number
  /** Whether to send upload bodies, and requests such as DELETE. Both change the store. */
  readonly write: boolean
  readonly userAgent: string
}

/** An origin that no rule names; only a rule for every origin allows it. */
const strangerOrigin = 'https://cors-sidecar-doctor.invalid'

/**
 * Sends the requests to the endpoint, and to the store if its address is known. Changes nothing in the store unless
 * `write`.
 */
export async function examine(examination: Examination): Promise<Omit<Facts, 'rules'>> {
  const { question, store, userAgent } = examination
  const { endpoint, origin, method } = question
  const reads = method === 'GET' || method === 'HEAD'
  const send = sender(examination)
  const request = (sentMethod: string, target: string, headers: HeaderLines): Promise<Attempt> =>
    send({
      endpoint,
      method: sentMethod,
      target,
      headers: ['User-Agent', userAgent, 'Accept', '*/*', ...headers],
    })
  const preflight = needsPreflight(question)
    ? await request('OPTIONS', endpoint.target, preflightLines(question, origin))
    : undefined
  const actual = await actualRequest(examination, endpoint, send)
  const facts = { preflight, actual, oddTarget: oddTarget(endpoint.target) }
  const nothing = { plain: undefined, missing: undefined, stranger: undefined, store: undefined }
  if (actual.kind === 'failure')
    return { ...facts, ...nothing, certificate: send.certificate(), store: await askStore() }
  return {
    ...facts,
    plain: reads ? await request(method, endpoint.target, []) : undefined,
    missing: await request(method === 'HEAD' ? 'HEAD' : 'GET', facts.oddTarget, ['Origin', origin]),
    stranger: await request('OPTIONS', facts.oddTarget, preflightLines(question, strangerOrigin)),
    certificate: send.certificate(),
    store: await askStore(),
  }

  async function askStore(): Promise<Attempt | undefined> {
    if (store === undefined) return undefined
    // Host stays the same, because signatures cover it.
    const there = { ...store, authority: endpoint.authority, target: endpoint.target }
    return actualRequest(examination, there, (sent) =>
      ask(sent, { ...optionsOf(examination), connectTo: undefined }),
    )
  }
}

type Send = (sent: Sent) => Promise<Attempt>

const optionsOf = ({ timeout, ca, connectTo }: Examination): AskOptions => ({
  timeout,
  ca,
  connectTo,
  verify: true,
})

/**
 * After a certificate is rejected, the remaining requests skip verification, because there may be further problems
 * to find.
 */
function sender(examination: Examination): Send & { certificate(): Facts['certificate'] } {
  let certificate: Facts['certificate']
  const send: Send = async (sent) => {
    const options = { ...optionsOf(examination), verify: certificate === undefined }
    const attempt = await ask(sent, options)
    if (!isCertificateFailure(attempt)) return attempt
    certificate = attempt
    return ask(sent, { ...options, verify: false })
  }
  return Object.assign(send, { certificate: () => certificate })
}

function preflightLines({ method, headers }: Question, origin: string): HeaderLines {
  const names = headers.length === 0 ? [] : ['Access-Control-Request-Headers', headers.join(',')]
  return ['Origin', origin, 'Access-Control-Request-Method', method, ...names]
}

/** Sends none of the page's own headers, because an invented signature would cause an error of its own. */
async function actualRequest(
  { question, size, write, userAgent }: Examination,
  endpoint: Endpoint,
  send: Send,
): Promise<Attempt> {
  const { method, origin } = question
  const headers = ['User-Agent', userAgent, 'Accept', '*/*', 'Origin', origin]
  const sent = { endpoint, method, target: endpoint.target, headers }
  if (method === 'GET' || method === 'HEAD') return send(sent)
  // With no byte of body to hold back, the head is the whole upload.
  if ((method === 'PUT' || method === 'POST' || method === 'PATCH') && (write || size > 0))
    return send({ ...sent, body: { bytes: size, send: write } })
  return write ? send(sent) : { kind: 'withheld' }
}

/**
 * A path next to `target` that no object has. It contains an escape and two slashes in a row, which careless hops
 * rewrite.
 */
export function oddTarget(
  target: string,
  name = `cors-sidecar-doctor-${randomBytes(4).toString('hex')}`,
): string {
  const path = target.replace(/[?#].*$/, '')
  const slash = path.lastIndexOf('/')
  // A path of one segment is the bucket itself.
  const folder = slash <= 0 && path.length > 1 ? path : path.slice(0, Math.max(slash, 0))
  return `${folder}/${name}%7E//a%2Db`
}
