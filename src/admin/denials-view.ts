import type { RequestQuestion } from '../plan/explain-request.ts'
import type { Explained } from '../plan/explained.ts'
import { judge } from '../plan/judge.ts'
import type { Denial, DenialGroup, Denials } from '../requests/denials.ts'
import { factsOf, recordOf } from '../requests/kept-request.ts'
import { chooseGroups, groupId, readFilter } from './denial-filter.ts'
import { adviceOn, answerQuestion, type Explainer, withAdvice } from './explain-view.ts'
import { json, longJson, type Reply } from './reply.ts'

/**
 * `/-/denials`: the latest denials and the most frequent groups of them. Each group is explained by the current rules,
 * so it says `allow` once the rules have been corrected; its proposal allows every request of the group. `recent=` and
 * `groups=` limit how many are returned; `bucket=`, `origin=` and `reason=` filter; `group=` is the id of one group;
 * `explained=no` leaves out the explanations, which take CPU time.
 */
export function denialsReply(explainer: Explainer, denials: Denials, query: URLSearchParams): Reply {
  const recent = readCount(query, 'recent')
  const groups = readCount(query, 'groups')
  if (recent === undefined || groups === undefined)
    return json(400, { error: 'The parameters recent and groups must be numbers.' })
  const filter = readFilter(query)
  if (typeof filter === 'string') return json(400, { error: filter })
  const all = denials.top()
  const found = chooseGroups(all, filter)
  const head = {
    total: denials.total(),
    recent: denials.recent().slice(0, recent).map(denialFields),
    groupsInAll: all.length,
    groupsFound: found.length,
  }
  const isExplained = query.get('explained') !== 'no'
  return longJson(head, 'groups', explainedGroups(explainer, found.slice(0, groups), isExplained))
}

function readCount(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name) ?? '1000'
  return /^\d{1,6}$/.test(value) ? Number(value) : undefined
}

async function* explainedGroups(
  explainer: Explainer,
  groups: readonly DenialGroup[],
  isExplained: boolean,
): AsyncGenerator<unknown> {
  for (const group of groups) {
    const { last, first, requests, ...fields } = group
    yield {
      id: groupId(group),
      ...fields,
      first: new Date(first).toISOString(),
      last: denialFields(last),
      ...joined(requests),
      decisionNow: decisionOn(explainer, requests),
      ...(isExplained ? { now: await explainGroup(explainer, last, requests) } : {}),
    }
  }
}

/** What the current rules decide: `deny` if they deny any kept request; `undefined` if every record was cut. */
function decisionOn({ rules, setup }: Explainer, requests: readonly Denial[]): 'allow' | 'deny' | undefined {
  const snapshot = rules()
  const verdicts = requests.map((denial) => {
    const facts = factsOf(recordOf(denial))
    return facts === undefined ? undefined : judge(snapshot, setup, facts).decision?.verdict
  })
  return verdicts.find((verdict) => verdict === 'deny') ?? verdicts.find((verdict) => verdict !== undefined)
}

/** All methods and headers that the requests of a group ask for. */
function joined(requests: readonly Denial[]): {
  readonly methods: readonly string[]
  readonly headers: readonly string[]
} {
  const headers = requests.flatMap(({ requestedHeaders = '' }) => requestedHeaders.toLowerCase().split(','))
  return {
    methods: [...new Set(requests.flatMap(({ method }) => method ?? []))],
    headers: [...new Set(headers.map((name) => name.trim()))].filter((name) => name !== '').toSorted(),
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

/** The current rules may allow the latest request of a group but not an earlier one. */
function firstRefused(explainer: Explainer, requests: readonly Denial[]): Explained | undefined {
  for (const request of requests) {
    const answer = answerQuestion(explainer, questionOf(request))
    if (answer.kind === 'explained' && answer.explained.decision === 'deny') return answer.explained
  }
  return undefined
}

/** A proposal cannot allow a header list or an origin that was cut. */
const isWhole = ({ requestedHeaders, origin }: Denial): boolean =>
  requestedHeaders?.endsWith('…') !== true && origin?.endsWith('…') !== true

function questionOf({ host, path, origin, method, requestedHeaders, kind }: Denial): RequestQuestion {
  return {
    to: { kind: 'host', host: host ?? '', path: path === '' ? '/' : path },
    origin,
    method,
    requestedHeaders,
    actual: kind === 'actual',
  }
}
