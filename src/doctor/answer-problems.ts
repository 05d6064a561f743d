import { type Problem, problem } from './codes.ts'
import { failureProblem } from './connection-problems.ts'
import { type Answer, type Facts, listOf, type Question, valuesOf } from './facts.ts'
import { failedHop, hopOf, originProblems, proxyHop, variesByOrigin } from './origin-problems.ts'
import { isMinioConsole, isOfService, nameOf, shown, xmlText } from './who.ts'

/** Problems that keep the page from reading the response to the actual request. */
export function answerProblems(question: Question, facts: Facts): Problem[] {
  const { actual } = facts
  if (actual.kind === 'failure') return [failureProblem(actual, question.method)]
  if (actual.kind === 'withheld') return exposure(question, facts.preflight)
  if (isMinioConsole(actual))
    return [
      problem(
        'console-port',
        'proxy',
        `The MinIO console answered ${question.method} with ${actual.status}.`,
      ),
    ]
  const outright = outrightProblem(question, actual)
  if (outright !== undefined) return [outright]
  const cors = originProblems(question, actual, `answer to ${question.method}`)
  const lost = lostOnError(question, facts, cors)
  return [
    ...(lost === undefined ? cors : [lost]),
    ...varyProblems(question, facts, actual),
    ...exposure(question, actual),
    ...openness(facts),
  ]
}

function outrightProblem(question: Question, actual: Answer): Problem | undefined {
  const { status } = actual
  const location = valuesOf(actual, 'location')[0]
  const by = `${question.method} was answered with ${status} by ${nameOf(question, actual)}`
  if (status >= 300 && status <= 399 && status !== 304 && location !== undefined)
    return problem('request-redirected', hopOf(question, actual), `${by}, with Location: ${shown(location)}.`)
  if (status === 413) {
    const lost = originProblems(question, actual, 'answer').length > 0
    return problem(
      'body-too-large',
      isOfService(actual) ? hopOf(question, actual) : 'proxy',
      `${by}${lost ? ', without CORS headers' : ''}.`,
    )
  }
  if (status >= 500) {
    const message = xmlText(actual, 'Message')
    const why = message === undefined ? '' : `: ${shown(message)}`
    return problem('store-error', failedHop(question, actual), `${by}${why}.`)
  }
  return undefined
}

/**
 * An error without CORS headers although a success has them. Looks at the response itself, and at a provoked error.
 */
function lostOnError(question: Question, facts: Facts, cors: readonly Problem[]): Problem | undefined {
  const { actual, missing, preflight } = facts
  const isLost = (answer: Answer | undefined): answer is Answer =>
    answer !== undefined &&
    answer.status >= 400 &&
    valuesOf(answer, 'access-control-allow-origin').length === 0
  const words = (answer: Answer, method: string): Problem =>
    problem(
      'headers-lost-on-error',
      proxyHop(answer) ?? hopOf(question, answer),
      `${method} was answered with ${answer.status} by ${nameOf(question, answer)}, without Access-Control-Allow-Origin.`,
    )
  if (actual.kind !== 'answer') return undefined
  if (isLost(actual))
    return preflight?.kind === 'answer' && originProblems(question, preflight, 'preflight').length === 0
      ? words(actual, question.method)
      : undefined
  if (cors.length > 0 || missing?.kind !== 'answer') return undefined
  const reads = question.method === 'GET' || question.method === 'HEAD'
  return reads && isLost(missing) ? words(missing, 'GET of an object that does not exist') : undefined
}

/**
 * `*` for everybody depends on nothing. A value that depends on Origin must be kept apart by caches
 * (https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches).
 */
function varyProblems(question: Question, { plain }: Facts, actual: Answer): Problem[] {
  const value = valuesOf(actual, 'access-control-allow-origin')[0]
  if (value === undefined || value === '*') return []
  const vary = (answer: Answer): string => valuesOf(answer, 'vary').join(', ') || 'missing'
  const report = (answer: Answer, which: string): Problem[] => [
    problem(
      'vary-missing',
      proxyHop(answer) ?? hopOf(question, answer),
      `Vary of the answer to ${which} is ${vary(answer)}, and Access-Control-Allow-Origin depends on Origin.`,
    ),
  ]
  if (!variesByOrigin(actual)) return report(actual, question.method)
  const depends = plain?.kind === 'answer' && valuesOf(plain, 'access-control-allow-origin')[0] !== value
  return depends && plain.status < 500 && !variesByOrigin(plain)
    ? report(plain, `${question.method} without Origin`)
    : []
}

/**
 * Response headers that pages may read without permission
 * (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name).
 */
const safelisted = [
  'cache-control',
  'content-language',
  'content-length',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
]

function exposure(question: Question, answer: Facts['preflight']): Problem[] {
  const { exposed, credentials } = question
  if (exposed.length === 0 || answer?.kind !== 'answer') return []
  const named = listOf(answer, 'access-control-expose-headers')
  const any = named.includes('*') && !credentials
  const lacking = exposed.filter((name) => !any && !named.includes(name) && !safelisted.includes(name))
  if (lacking.length === 0) return []
  const seen =
    named.length === 0
      ? 'Access-Control-Expose-Headers is missing'
      : `Access-Control-Expose-Headers is ${shown(named.join(', '))}`
  return [
    problem(
      'expose-headers-missing',
      hopOf(question, answer),
      `${seen}; the page reads ${lacking.join(', ')}.`,
    ),
  ]
}

/** An origin under .invalid that is allowed with credentials shows that the server echoes any origin. */
function openness({ stranger }: Facts): Problem[] {
  if (stranger?.kind !== 'answer') return []
  const value = valuesOf(stranger, 'access-control-allow-origin')[0]
  const credentials = valuesOf(stranger, 'access-control-allow-credentials').includes('true')
  if (value === undefined || value === '*' || !value.endsWith('.invalid') || !credentials) return []
  return [
    problem(
      'any-origin-with-credentials',
      'proxy',
      `A preflight from ${value} was allowed, with Access-Control-Allow-Credentials: true.`,
    ),
  ]
}
