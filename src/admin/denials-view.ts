import type { RequestQuestion } from '../plan/explain-request.ts'
import type { Explained } from '../plan/explained.ts'
import type { Denial, DenialGroup, Denials } from '../requests/denials.ts'
import { adviceOn, answerQuestion, type Explainer, withAdvice } from './explain-view.ts'
import { json, longJson, type Reply } from './reply.ts'

/**
 * `/-/denials`: the latest denials and the most frequent groups of them. Each group is explained by the rules as they
 * are now, so that one whose rules were corrected says `allow`; its proposal allows every request of the group. `recent=` and `groups=` bound how many.
 */
export function denialsReply(explainer: Explainer, denials: Denials, query: URLSearchParams): Reply {
  const recent = readCount(query, 'recent')
  const groups = readCount(query, 'groups')
  if (recent === undefined || groups === undefined)
    return json(400, { error: 'The parameters recent and groups are numbers.' })
  const head = { total: denials.total(), recent: denials.recent().slice(0, recent).map(denialFields) }
  return longJson(head, 'groups', explainedGroups(explainer, denials.top().slice(0, groups)))
}

function readCount(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name) ?? '1000'
  return /^\d{1,6}$/.test(value) ? Number(value) : undefined
}

async function* explainedGroups(
  explainer: Explainer,
  groups: readonly DenialGroup[],
): AsyncGenerator<unknown> {
  for (const { last, first, requests, ...group } of groups)
    yield {
      ...group,
      first: new Date(first).toISOString(),
      last: denialFields(last),
      now: await explainGroup(explainer, last, requests),
    }
}

const denialFields = ({ time, ...denial }: Denial): Readonly<Record<string, unknown>> => ({
  time: new Date(time).toISOString(),
  ...denial,
})

async function explainGroup(
  explainer: Explainer,
  last: Denial,
  requests: readonly Denial[],
): Promise<Explained | undefined> {
  const answer = answerQuestion(explainer, questionOf(last))
  if (answer.kind === 'unusable') return undefined
  const shown =
    answer.explained.decision === 'allow'
      ? (firstRefused(explainer, requests) ?? answer.explained)
      : answer.explained
  return withAdvice(shown, await adviceOn(explainer, shown, requests.filter(isWhole).map(questionOf)))
}

/** The latest request of a group may be allowed by now, and another one not. */
function firstRefused(explainer: Explainer, requests: readonly Denial[]): Explained | undefined {
  for (const request of requests) {
    const answer = answerQuestion(explainer, questionOf(request))
    if (answer.kind === 'explained' && answer.explained.decision === 'deny') return answer.explained
  }
  return undefined
}

/** A header list that was cut to be kept cannot be allowed. */
const isWhole = ({ requestedHeaders, origin }: Denial): boolean =>
  requestedHeaders?.endsWith('…') !== true && origin?.endsWith('…') !== true

/** The question that asks for the same decision. */
function questionOf({ host, path, origin, method, requestedHeaders, kind }: Denial): RequestQuestion {
  return {
    to: { kind: 'host', host: host ?? '', path: path === '' ? '/' : path },
    origin,
    method,
    requestedHeaders,
    actual: kind === 'actual',
  }
}
