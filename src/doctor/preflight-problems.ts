import { type Problem, problem } from './codes.ts'
import { failureProblem } from './connection-problems.ts'
import { type Answer, type Facts, listOf, type Question, valuesOf } from './facts.ts'
import { failedHop, hopOf, originProblems } from './origin-problems.ts'
import { authorOf, isMinio, isMinioConsole, isOfService, nameOf, proxyAuthor, shown, xmlText } from './who.ts'

/**
 * Problems that keep the browser from sending the request after its preflight
 * (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
 */
export function preflightProblems(question: Question, facts: Facts): Problem[] {
  const { preflight } = facts
  if (preflight === undefined || preflight.kind === 'withheld') return []
  if (preflight.kind === 'failure') return [failureProblem(preflight, 'Preflight')]
  const elsewhere = wrongAuthor(question, facts, preflight)
  if (elsewhere !== undefined) return [elsewhere]
  if (preflight.status < 200 || preflight.status > 299) return [statusProblem(question, preflight)]
  return headerListProblems(question, preflight)
}

const hasOrigin = (answer: Answer): boolean => valuesOf(answer, 'access-control-allow-origin').length > 0

/** The preflight was answered by a server that should have passed it on, that requires login, or that failed. */
function wrongAuthor(question: Question, facts: Facts, preflight: Answer): Problem | undefined {
  const { status } = preflight
  const location = valuesOf(preflight, 'location')[0]
  if (status >= 300 && status <= 399 && location !== undefined)
    return problem(
      'preflight-redirected',
      'proxy',
      `OPTIONS was answered with ${status} and Location: ${shown(location)}.`,
    )
  if (isMinioConsole(preflight) || (facts.actual.kind === 'answer' && isMinioConsole(facts.actual)))
    return problem('console-port', 'proxy', `The MinIO console answered OPTIONS with ${status}.`)
  if (status === 401)
    return problem(
      'preflight-unauthorized',
      authorOf(preflight, question.sidecarKnown)?.hop ?? 'proxy',
      `OPTIONS was answered with 401 by ${nameOf(question, preflight)}.`,
    )
  if (status >= 500)
    return problem(
      'store-error',
      failedHop(question, preflight),
      `OPTIONS was answered with ${status} by ${nameOf(question, preflight)}.`,
    )
  if (question.sidecarKnown && isMinio(preflight))
    return problem(
      'preflight-answered-by-store',
      'store',
      `The preflight was answered with ${status} and Server: MinIO.`,
    )
  if (isAnsweredByProxy(facts, preflight) && !isMeant(question, preflight))
    return problem(
      'preflight-answered-by-proxy',
      'proxy',
      `OPTIONS was answered with ${status} by ${nameOf(question, preflight)}${hasOrigin(preflight) ? '' : ', without Access-Control-Allow-Origin'}.`,
    )
  return undefined
}

/**
 * Whether the response identifies neither sidecar nor store, and either it identifies a proxy or another response
 * identifies a sidecar or store.
 */
function isAnsweredByProxy({ actual, missing, store }: Facts, preflight: Answer): boolean {
  if (isOfService(preflight) || isMinio(preflight)) return false
  if (proxyAuthor(preflight) !== undefined) return true
  return [actual, missing, store].some((attempt) => attempt?.kind === 'answer' && isOfService(attempt))
}

/**
 * A proxy that sends CORS headers is assumed to answer preflights on purpose. In front of a sidecar, its answer must
 * also allow the request.
 */
const isMeant = (question: Question, preflight: Answer): boolean =>
  hasOrigin(preflight) && (!question.sidecarKnown || passes(question, preflight))

const passes = (question: Question, preflight: Answer): boolean =>
  preflight.status >= 200 && preflight.status <= 299 && headerListProblems(question, preflight).length === 0

const headerListProblems = (question: Question, preflight: Answer): Problem[] => [
  ...originProblems(question, preflight, 'preflight'),
  ...methodProblems(question, preflight),
  ...headerProblems(question, preflight),
]

function statusProblem(question: Question, preflight: Answer): Problem {
  const author = authorOf(preflight, question.sidecarKnown)
  const hop = author?.hop ?? (question.sidecarKnown ? 'sidecar' : 'store')
  if (hasOrigin(preflight) && originProblems(question, preflight, 'preflight').length === 0)
    return problem('preflight-status', hop, `OPTIONS was answered with ${preflight.status}.`)
  const decision = valuesOf(preflight, 'x-cors-sidecar-decision')[0]
  const message = decision ?? xmlText(preflight, 'Message')
  const why = message === undefined ? '' : `: ${shown(message)}`
  return problem(
    'preflight-refused',
    hop,
    `OPTIONS was answered with ${preflight.status} by ${nameOf(question, preflight)}${why}.`,
  )
}

/** CORS-safelisted methods need not be listed (https://fetch.spec.whatwg.org/#cors-preflight-fetch). */
function methodProblems(question: Question, preflight: Answer): Problem[] {
  const { method, credentials } = question
  if (['GET', 'HEAD', 'POST'].includes(method)) return []
  const values = valuesOf(preflight, 'access-control-allow-methods')
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim())
  if (names.includes(method) || (!credentials && names.includes('*'))) return []
  const seen =
    values.length === 0
      ? 'Access-Control-Allow-Methods is missing'
      : `Access-Control-Allow-Methods is ${shown(values.join(', '))}`
  return [problem('allow-methods-missing', hopOf(question, preflight), `${seen}; the page needs ${method}.`)]
}

function headerProblems(question: Question, preflight: Answer): Problem[] {
  const { headers, credentials } = question
  const allowed = listOf(preflight, 'access-control-allow-headers')
  const any = !credentials && allowed.includes('*')
  const lacking = headers.filter((name) => !allowed.includes(name) && !(any && name !== 'authorization'))
  if (lacking.length === 0) return []
  const seen =
    allowed.length === 0
      ? 'Access-Control-Allow-Headers is missing'
      : `Access-Control-Allow-Headers is ${shown(allowed.join(', '))}`
  return [
    problem(
      'allow-headers-missing',
      hopOf(question, preflight),
      `${seen}; the page sets ${lacking.join(', ')}.`,
    ),
  ]
}
