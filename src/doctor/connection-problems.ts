import { isIP } from 'node:net'
import { type Hop, type Problem, type ProblemCode, problem } from './codes.ts'
import type { Attempt, Facts, Failure, FailureReason, Question } from './facts.ts'

const codesOfReasons: Readonly<Record<FailureReason, readonly [ProblemCode, Hop]>> = {
  name: ['name-not-found', 'page'],
  refused: ['connection-refused', 'proxy'],
  timeout: ['connection-timeout', 'proxy'],
  reset: ['connection-reset', 'proxy'],
  'not-http': ['not-http', 'proxy'],
  'certificate-name': ['certificate-name', 'proxy'],
  'certificate-expired': ['certificate-expired', 'proxy'],
  'certificate-untrusted': ['certificate-untrusted', 'proxy'],
  tls: ['tls-failed', 'proxy'],
}

export function failureProblem({ reason, detail }: Failure, what: string): Problem {
  const [code, hop] = codesOfReasons[reason]
  return problem(code, hop, `${what}: ${detail}.`)
}

/** Problems that exist before anything is sent: the browser may block the request or drop a header. */
export function pageProblems(question: Question, facts: Facts): Problem[] {
  const { endpoint, origin, unsendable } = question
  const problems: Problem[] = []
  if (origin.startsWith('https://') && !endpoint.secure && !isLoopback(endpoint.host))
    problems.push(
      problem('mixed-content', 'page', `${origin} is https, http://${endpoint.authority} is not.`),
    )
  const address = isIP(endpoint.host) > 0 ? endpoint.host : addressIn(facts)
  if (address !== undefined && isLocalAddress(address) && !isLocalHost(hostOf(origin)))
    problems.push(
      problem(
        'local-network',
        'page',
        `${endpoint.host} is ${address}, a local address; ${origin} is public.`,
      ),
    )
  for (const name of unsendable)
    problems.push(problem('header-not-sendable', 'page', `Pages cannot send ${name}.`))
  return problems
}

function addressIn({ actual, preflight }: Facts): string | undefined {
  const withAddress = [actual, preflight].find(
    (attempt): attempt is Attempt & { kind: 'answer' } => attempt?.kind === 'answer',
  )
  return withAddress?.address
}

const hostOf = (origin: string): string =>
  /^[a-z][a-z0-9+.-]*:\/\/(\[[^\]]*\]|[^:/]*)/.exec(origin)?.[1] ?? ''

/**
 * Hosts that browsers trust without TLS (https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy).
 */
const isLoopback = (host: string): boolean => /^(?:(?:.*\.)?localhost\.?|127\.[\d.]+|\[?::1\]?)$/.test(host)

/**
 * IP address space "loopback" or "local" (https://wicg.github.io/local-network-access/#ip-address-space-section).
 */
export function isLocalAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase()
  return /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/.test(
    plain,
  )
}

/** Pages that are on this machine or network themselves. Origins of apps, and `null`, have no host. */
const isLocalHost = (host: string): boolean =>
  host === '' ||
  isLoopback(host) ||
  isLocalAddress(host.replace(/^\[|\]$/g, '')) ||
  /\.(?:local|internal|lan|home\.arpa)$/.test(host)

/**
 * Headers that pages cannot set (https://fetch.spec.whatwg.org/#forbidden-request-header), and response headers of
 * CORS, which people set by mistake.
 */
const forbidden = new Set(
  (
    'accept-charset accept-encoding access-control-request-headers access-control-request-method connection ' +
    'content-length cookie cookie2 date dnt expect host keep-alive origin referer set-cookie te trailer ' +
    'transfer-encoding upgrade via'
  ).split(' '),
)

export const isNotSendable = (name: string): boolean =>
  forbidden.has(name) || /^(?:proxy-|sec-|access-control-)/.test(name)
