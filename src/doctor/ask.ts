import { lookup } from 'node:dns'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { HeaderLines } from '../http.ts'
import { messageOf } from '../text/system-error.ts'
import type { Answer, Attempt, Endpoint, Failure, FailureReason } from './facts.ts'

/** One request, as sent. */
export interface Sent {
  readonly endpoint: Endpoint
  readonly method: string
  readonly target: string
  /** Besides Host. */
  readonly headers: HeaderLines
  /**
   * An upload of this many bytes. With `send` false only its head is sent, so that the server can reject it without
   * storing anything.
   */
  readonly body?: { readonly bytes: number; readonly send: boolean }
}

export interface AskOptions {
  /** Milliseconds to wait for the head of the response, and then again for its body. */
  readonly timeout: number
  /** All certificate authorities to trust, PEM. Empty: those that Node trusts by default. */
  readonly ca: readonly string[]
  /** Verify the server's certificate. */
  readonly verify: boolean
  /** Connect here instead. Host and the TLS name stay those of the endpoint. */
  readonly connectTo: { readonly host: string; readonly port: number } | undefined
}

/** How long to wait for a rejection of an upload's head, in milliseconds. */
const objectionTime = 2000
const maxBody = 65_536

/**
 * Sends one request on a connection of its own, without following redirects. Uses node:http, because fetch() joins
 * repeated headers and cannot send Expect: 100-continue. Never rejects.
 */
export function ask(sent: Sent, options: AskOptions): Promise<Attempt> {
  return new Promise((resolve) => {
    let request: ClientRequest
    try {
      request = open(sent, options)
    } catch (error) {
      resolve(failure('not-http', messageOf(error)))
      return
    }
    const end = (attempt: Attempt): void => {
      clearTimeout(timer)
      resolve(attempt)
      request.destroy()
    }
    const timer = setTimeout(
      () => end(failure('timeout', `no response within ${options.timeout / 1000} s`)),
      options.timeout,
    )
    request.on('error', (error) => end(failureOf(error)))
    request.on('response', (response) => {
      clearTimeout(timer)
      void readAnswer(response, options.timeout).then(end)
    })
    sendBody(request, sent, () => end({ kind: 'withheld' }))
  })
}

function open({ endpoint, method, target, headers, body }: Sent, options: AskOptions): ClientRequest {
  const { secure, authority } = endpoint
  const { host, port } = options.connectTo ?? endpoint
  const length = body === undefined ? [] : ['Content-Length', String(body.bytes)]
  const expect = body === undefined || body.send ? [] : ['Expect', '100-continue']
  const common = {
    host,
    port,
    method,
    path: target,
    agent: false,
    maxHeaderSize: 65_536,
    headers: ['Host', authority, ...headers, ...length, ...expect, 'Connection', 'close'],
    lookup: reportingLookup,
  }
  if (!secure) return httpRequest(common)
  // An IP address must not be sent as a server name (RFC 6066 section 3).
  const servername = /^[\d.]+$|:/.test(endpoint.host) ? '' : endpoint.host
  const name = {
    servername,
    ...(servername === '' ? { host: options.connectTo?.host ?? endpoint.host } : {}),
  }
  const trust = options.ca.length === 0 ? {} : { ca: [...options.ca] }
  return httpsRequest({ ...common, ...name, ...trust, rejectUnauthorized: options.verify })
}

const reportingLookup: LookupFunction = (name, options, callback) => lookup(name, options, callback)

function sendBody(request: ClientRequest, { body }: Sent, withhold: () => void): void {
  if (body === undefined || body.bytes === 0) request.end()
  else if (body.send) request.end(Buffer.alloc(body.bytes))
  else {
    request.flushHeaders()
    request.on('continue', withhold)
    // Some servers never send 100 (Continue), and wait for the body.
    request.on('socket', (socket) =>
      socket.once(socket.connecting ? 'connect' : 'ready', () => {
        const timer = setTimeout(withhold, objectionTime)
        request.on('close', () => clearTimeout(timer))
      }),
    )
  }
}

function readAnswer(response: IncomingMessage, timeout: number): Promise<Answer> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let length = 0
    const end = (): void => {
      clearTimeout(timer)
      resolve({
        kind: 'answer',
        status: response.statusCode ?? 0,
        lines: response.rawHeaders,
        body: Buffer.concat(pieces).subarray(0, maxBody).toString('utf8'),
        address,
      })
    }
    const address = response.socket.remoteAddress
    // Uses the part that has arrived, because the body may stall or never end.
    const timer = setTimeout(end, timeout)
    response.on('data', (piece: Buffer) => {
      pieces.push(piece)
      length += piece.length
      if (length >= maxBody) end()
    })
    response.on('end', end)
    response.on('error', end)
  })
}

const failure = (reason: FailureReason, detail: string): Failure => ({ kind: 'failure', reason, detail })

/** Error codes of Node and OpenSSL, by their meaning for a person. */
const reasonsOfCodes: Readonly<Record<string, FailureReason>> = {
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
  EAI_NODATA: 'name',
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'timeout',
  ENETUNREACH: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate-name',
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate-untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate-untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate-untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate-untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate-untrusted',
}

function failureOf(error: Error): Failure {
  // Node tries every address of a name and reports all failures together.
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error
  const code = 'code' in first ? String(first.code) : ''
  const known = reasonsOfCodes[code]
  if (known !== undefined) return failure(known, first.message)
  if (code.startsWith('HPE_')) return failure('not-http', first.message)
  if (/^(?:ERR_SSL|EPROTO|ERR_TLS|CERT_)/.test(code)) return failure('tls', first.message)
  return failure('reset', first.message)
}

export const isCertificateFailure = (attempt: Attempt): attempt is Failure =>
  attempt.kind === 'failure' && attempt.reason.startsWith('certificate-')
