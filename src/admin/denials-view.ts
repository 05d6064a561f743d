import type { RequestQuestion } from '../plan/explain-request.ts'
import type { Explained } from '../plan/explained.ts'
import type { Denial, DenialGroup, Denials } from '../requests/denials.ts'
import { answerQuestion, type Explainer } from './explain-view.ts'
import { json, longJson, type Reply } from './reply.ts'

/**
 * `/-/denials`: the latest denials and the most frequent groups of them. Each group is explained by the rules as they
 * are now: a mended one says `allow`. `recent=` and `groups=` bound how many.
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

function* explainedGroups(explainer: Explainer, groups: readonly DenialGroup[]): Generator<unknown> {
  for (const { last, first, ...group } of groups)
    yield {
      ...group,
      first: new Date(first).toISOString(),
      last: denialFields(last),
      now: explainDenial(explainer, last),
    }
}

const denialFields = ({ time, ...denial }: Denial): Readonly<Record<string, unknown>> => ({
  time: new Date(time).toISOString(),
  ...denial,
})

function explainDenial(explainer: Explainer, denial: Denial): Explained | undefined {
  const answer = answerQuestion(explainer, questionOf(denial))
  return answer.kind === 'unusable' ? undefined : answer.explained
}

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
