import { type Hop, type Problem, problem } from './codes.ts'
import { type Answer, listOf, type Question, valuesOf } from './facts.ts'
import { authorOf, isOfService, proxyAuthor } from './who.ts'

/**
 * The CORS check of the Fetch standard (https://fetch.spec.whatwg.org/#concept-cors-check) on one response. `what`
 * names the response: "preflight", "answer to GET".
 */
export function originProblems(question: Question, answer: Answer, what: string): Problem[] {
  const { origin, credentials } = question
  const values = valuesOf(answer, 'access-control-allow-origin')
  const value = values[0]
  const flags = valuesOf(answer, 'access-control-allow-credentials')
  if (value === undefined)
    return [
      problem(
        'allow-origin-missing',
        hopOf(question, answer),
        `The ${what} (${answer.status}) has no Access-Control-Allow-Origin.`,
      ),
    ]
  if (values.length > 1 || value.includes(',')) {
    const quoted = values.map((text) => `"${text}"`).join(' and ')
    return [
      problem('allow-origin-doubled', 'proxy', `The ${what} has Access-Control-Allow-Origin ${quoted}.`),
    ]
  }
  if (value === '*') {
    if (!credentials && !flags.includes('true')) return []
    const why = credentials ? 'the page sends credentials' : 'Access-Control-Allow-Credentials is true'
    return [
      problem(
        'wildcard-with-credentials',
        hopOf(question, answer),
        `The ${what} has Access-Control-Allow-Origin: *, and ${why}.`,
      ),
    ]
  }
  if (value !== origin)
    return [
      problem(
        'allow-origin-other',
        cachedBy(answer) ? 'proxy' : hopOf(question, answer),
        `The ${what} has Access-Control-Allow-Origin: ${value}; the page is ${origin}${ageOf(answer)}.`,
      ),
    ]
  if (credentials && !flags.includes('true'))
    return [
      problem(
        'allow-credentials-missing',
        hopOf(question, answer),
        `The ${what} has no Access-Control-Allow-Credentials: true.`,
      ),
    ]
  return []
}

/**
 * The hop whose configuration must change: the one that the response points to, or else the sidecar if there is one,
 * or else the store. With a sidecar, the response of a sidecar or store is not attributed to a proxy.
 */
export function hopOf({ sidecarKnown }: Question, answer: Answer): Hop {
  if (sidecarKnown && isOfService(answer)) return authorOf(answer, sidecarKnown)?.hop ?? 'sidecar'
  return proxyHop(answer) ?? authorOf(answer, sidecarKnown)?.hop ?? (sidecarKnown ? 'sidecar' : 'store')
}

/** The hop behind a status of 500 or more. A sidecar sends one when the store does, or when the store is unreachable. */
export const failedHop = ({ sidecarKnown }: Question, answer: Answer): Hop =>
  authorOf(answer, sidecarKnown)?.hop === 'proxy' ? 'proxy' : 'store'

/** For mistakes that the sidecar never makes: prefers a proxy that the response headers name. */
export const proxyHop = (answer: Answer): Hop | undefined => proxyAuthor(answer)?.hop

/** Whether a cache served the response (RFC 9211, and the headers that came before it). */
const cachedBy = (answer: Answer): boolean =>
  Number(valuesOf(answer, 'age')[0] ?? 0) > 0 ||
  ['x-cache', 'x-cache-status', 'cf-cache-status', 'cache-status'].some((name) =>
    valuesOf(answer, name).some((value) => /\bhit\b/i.test(value)),
  )

const ageOf = (answer: Answer): string => (cachedBy(answer) ? '; a cache served it' : '')

/** Whether Vary names Origin or is `*`. */
export function variesByOrigin(answer: Answer): boolean {
  const names = listOf(answer, 'vary')
  return names.includes('origin') || names.includes('*')
}
