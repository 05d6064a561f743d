import { browserHeaderList, type ExplainContext, explainRequest } from '../plan/explain-request.ts'
import type { Setup } from '../plan/judge.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import { type Expected, type Facts, needsPreflight, type Question } from './facts.ts'

/** What the rules require, computed by the code that serves requests. */
export function expectedOf(
  snapshot: Snapshot,
  { dialect, hostSuffixes }: Pick<Setup, 'dialect' | 'hostSuffixes'>,
  question: Question,
): Facts['rules'] {
  const setup = {
    dialect,
    hostSuffixes,
    unconfigured: 'refuse',
    bucketCorsApi: 'off',
    debugHeaders: false,
  } as const
  const { secure, authority } = question.endpoint
  const context = { snapshot, setup, identity, endpoint: `${secure ? 'https' : 'http'}://${authority}` }
  return {
    preflight: needsPreflight(question) ? expected(context, question, false) : undefined,
    actual: expected(context, question, true),
  }
}

function expected(context: ExplainContext, question: Question, actual: boolean): Expected {
  const { endpoint, origin, method, headers } = question
  const explained = explainRequest(context, {
    to: { kind: 'host', host: endpoint.authority, path: endpoint.target },
    origin,
    method,
    requestedHeaders: actual ? undefined : browserHeaderList(headers),
    actual,
  })
  if (explained.kind === 'unusable') return { allowed: false, text: explained.message, lines: [] }
  const { decision, text, response } = explained.explained
  const lines = response.headers.flatMap(([name, value]) =>
    /^access-control-/i.test(name) ? [name, value] : [],
  )
  return { allowed: decision === 'allow', text, lines }
}

/** Not compared: request ids differ with every request. */
const identity = {
  unixSeconds: 0,
  node: 0,
  process: 0,
  sequence: 0,
  isoTime: (): string => '1970-01-01T00:00:00.000Z',
  randomHex: (length: number): string => '0'.repeat(length),
}
