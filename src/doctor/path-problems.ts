import { type Problem, problem } from './codes.ts'
import { failureProblem } from './connection-problems.ts'
import type { Answer, Attempt, Facts, Question } from './facts.ts'
import { shown, xmlText } from './who.ts'

/** What changed on the way to the server, as its error bodies show. */
export function pathProblems(question: Question, facts: Facts): Problem[] {
  const errors = [facts.stranger, facts.missing, facts.actual, facts.preflight].filter(isError)
  const odd = [facts.stranger, facts.missing].filter(isError)
  return [
    ...first(errors.map((answer) => hostProblem(question, answer))),
    ...first(odd.map((answer) => targetProblem(facts.oddTarget, answer))),
    ...signatureProblems(facts),
  ]
}

export function storeProblems({ store, actual }: Facts): Problem[] {
  if (store?.kind === 'failure')
    return [problem('store-unreachable', 'store', failureProblem(store, 'The store').evidence)]
  if (store?.kind !== 'answer' || store.status < 500 || (actual.kind === 'answer' && actual.status >= 500))
    return []
  return [problem('store-error', 'store', `The store, asked directly, answered with ${store.status}.`)]
}

const isError = (attempt: Attempt | undefined): attempt is Answer =>
  attempt?.kind === 'answer' && attempt.status >= 400 && attempt.body.includes('<Error>')

const first = (problems: readonly (Problem | undefined)[]): Problem[] =>
  problems.filter((found) => found !== undefined).slice(0, 1)

/** OSS shows the received Host in HostId; COS shows it before the path in Resource. */
function hostProblem(question: Question, answer: Answer): Problem | undefined {
  const { authority } = question.endpoint
  const resource = xmlText(answer, 'Resource')
  const seen =
    resource !== undefined && !resource.startsWith('/') ? resource.replace(/\/.*$/s, '') : hostId(answer)
  if (seen === undefined || seen === '' || sameHost(seen, authority)) return undefined
  return problem(
    'host-changed',
    'proxy',
    `The request was sent with Host: ${authority}, and arrived with Host: ${shown(seen)}.`,
  )
}

/** HostId at S3 and MinIO is Base64 or hexadecimal, without a dot or colon. */
const hostId = (answer: Answer): string | undefined => {
  const id = xmlText(answer, 'HostId')
  return id !== undefined && /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+(?::\d+)?$|^localhost(?::\d+)?$/.test(id)
    ? id
    : undefined
}

/** Servers may omit the default port or change the case, so neither counts as a difference. */
const sameHost = (seen: string, sent: string): boolean =>
  seen.toLowerCase().replace(/:(?:80|443)$/, '') === sent.toLowerCase().replace(/:(?:80|443)$/, '')

function targetProblem(oddTarget: string, answer: Answer): Problem | undefined {
  const resource = xmlText(answer, 'Resource')
  if (resource === undefined) return undefined
  const seen = resource.startsWith('/') ? resource : resource.slice(Math.max(resource.indexOf('/'), 0))
  const path = seen.replace(/\?.*$/s, '')
  // Most stores print the path decoded.
  if (path === oddTarget || path === decoded(oddTarget) || !path.includes('cors-sidecar-doctor'))
    return undefined
  return problem(
    'path-changed',
    'proxy',
    `The request was sent to ${oddTarget}, and arrived as ${shown(path)}.`,
  )
}

const decoded = (path: string): string => path.replaceAll('%7E', '~').replaceAll('%2D', '-')

const isMismatch = (attempt: Attempt | undefined): boolean =>
  attempt?.kind === 'answer' && xmlText(attempt, 'Code') === 'SignatureDoesNotMatch'

/** For a presigned URL: if the store accepts what the endpoint rejects, the signature broke on the way. */
function signatureProblems({ actual, store }: Facts): Problem[] {
  if (!isMismatch(actual)) return []
  const words = 'The answer is SignatureDoesNotMatch'
  if (store?.kind !== 'answer')
    return [
      problem(
        'signature-mismatch',
        'proxy',
        `${words}. With --store, doctor can tell whether the signature breaks on the way.`,
      ),
    ]
  return isMismatch(store)
    ? [
        problem(
          'signature-mismatch',
          'page',
          `${words}, from the store directly as well: the URL was signed for another host or path, or with another secret.`,
        ),
      ]
    : [
        problem(
          'signature-mismatch',
          'proxy',
          `${words}, and the store, asked directly with the same Host, answered with ${store.status}.`,
        ),
      ]
}
