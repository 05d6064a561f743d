/// <reference lib="dom" />
import type { DenialGroupView, DenialsView } from '../shapes.ts'
import { ask, messageOf } from './ask.ts'
import { ago, badge, byId, copyable, h, setText, whole } from './dom.ts'
import { answerAndCurl, whyAndChange } from './explanation.ts'
import { reasonWords } from './rates.ts'
import { reasonLink } from './reasons.ts'

/** A group in the list. `made` identifies the data that its body shows. */
interface Entry {
  readonly element: HTMLDetailsElement
  group: DenialGroupView
  made: string
}

const entries = new Map<string, Entry>()
/** Generation of the rules; when it changes, the advice for open groups is requested again. */
let generation = 0
const filter = byId('denials-filter', HTMLFormElement)
let openBucket: (bucket: string) => void = () => {}

/** Calls `refresh` when the filter changes. */
export function prepareDenials(refresh: () => void, toBucket: (bucket: string) => void): void {
  openBucket = toBucket
  filter.addEventListener('submit', (event) => event.preventDefault())
  filter.addEventListener('input', refresh)
}

/** Refreshes the list. The advice for a group is requested when the group is opened. */
export async function refreshDenials(rulesGeneration = generation): Promise<void> {
  generation = rulesGeneration
  const chosen = new FormData(filter)
  const value = (name: string): string => String(chosen.get(name) ?? '').trim()
  const names = ['bucket', 'origin', 'reason'] as const
  const wanted = names.flatMap((name) => (value(name) === '' ? [] : [[name, value(name)]]))
  const query = new URLSearchParams([...wanted, ['recent', '0'], ['explained', 'no']])
  const { groups, total, groupsFound, groupsInAll } = await ask<DenialsView>(`/-/denials?${query}`)
  setText('denials-title', total === 0 ? 'Refused requests' : `Refused requests: ${whole(total)}`)
  setText('denials-found', wanted.length === 0 ? '' : `${whole(groupsFound)} of ${whole(groupsInAll)} groups`)
  const latestFirst = value('order') === 'latest'
  const ordered = latestFirst
    ? groups.toSorted((a, b) => Date.parse(b.last.time) - Date.parse(a.last.time))
    : // Groups that the current rules allow come last.
      [...groups.filter(isDenied), ...groups.filter((group) => !isDenied(group))]
  showGroups(ordered, wanted.length > 0)
}

function showGroups(groups: readonly DenialGroupView[], filtered: boolean): void {
  const list = byId('denial-list', HTMLElement)
  const isFirst = entries.size === 0
  const kept = new Set(groups.map(({ id }) => id))
  for (const id of entries.keys()) if (!kept.has(id)) entries.delete(id)
  if (groups.length === 0) {
    const words = filtered
      ? 'No refused request matches the filter.'
      : 'No requests have been refused since the sidecar started.'
    list.replaceChildren(h('p', { class: 'empty' }, words))
    return
  }
  const elements = groups.map((group, index) => elementOf(group, index === 0 && isFirst && !filtered))
  // Rows must not move under the pointer, and the focus must stay where it is.
  const isReading = list.matches(':hover') || list.contains(document.activeElement)
  if (isReading && elements.every((element) => list.contains(element))) {
    for (const element of [...list.children]) if (!elements.some((one) => one === element)) element.remove()
    return
  }
  if (!isReading || list.querySelector('details') === null) list.replaceChildren(...elements)
  else list.append(...elements.filter((element) => !list.contains(element)))
}

/** Updates "5 minutes ago" between two refreshes. */
export function refreshAges(): void {
  for (const { element } of entries.values()) {
    const when = element.querySelector('.when')
    const time = when?.getAttribute('data-time')
    if (when !== null && typeof time === 'string') when.textContent = ago(time, Date.now())
  }
}

const isDenied = ({ decisionNow }: DenialGroupView): boolean => decisionNow !== 'allow'

function elementOf(group: DenialGroupView, open: boolean): HTMLDetailsElement {
  let entry = entries.get(group.id)
  if (entry === undefined) {
    const element = h('details', {}, h('summary'), h('div', { class: 'body' }))
    const made: Entry = { element, group, made: '' }
    entries.set(group.id, made)
    element.addEventListener('toggle', () => void fill(made))
    element.open = open
    entry = made
  }
  entry.group = group
  const summary = entry.element.firstElementChild
  summary?.replaceChildren(...summaryOf(group))
  void fill(entry)
  return entry.element
}

/** Requests the explanation and proposal of an open group. Repeats this when the group or the rules have changed. */
async function fill(entry: Entry): Promise<void> {
  const { element, group } = entry
  const made = JSON.stringify([group.count, group.last, group.decisionNow, generation])
  if (!element.open || made === entry.made) return
  entry.made = made
  const body = element.lastElementChild
  if (body?.childElementCount === 0) body.append(h('p', { class: 'soft' }, 'Loading …'))
  try {
    const { groups } = await ask<DenialsView>(`/-/denials?recent=0&group=${group.id}`)
    const [explained = group] = groups
    body?.replaceChildren(...bodyOf(explained))
  } catch (error) {
    entry.made = ''
    body?.replaceChildren(h('p', { class: 'says-error' }, messageOf(error)))
  }
}

function summaryOf({
  count,
  overcount,
  last,
  origin,
  bucket,
  reason,
  decisionNow,
  methods,
}: DenialGroupView): Node[] {
  const times = overcount === 0 ? `${whole(count)} ×` : `≤ ${whole(count)} ×`
  const what = `${methods.join(', ') || (last.method ?? '?')}${last.kind === 'preflight' ? ' (preflight)' : ''}`
  return [
    h('span', { class: 'count' }, times),
    h('span', { class: 'who' }, h('code', {}, origin ?? 'no origin'), ` → ${bucket ?? 'no bucket'}, ${what}`),
    badge(decisionNow === 'allow' ? 'plain' : 'bad', reasonWords[reason]),
    ...(decisionNow === 'allow' ? [badge('good', 'now allowed')] : []),
    ...(last.mode === 'report' ? [badge('plain', 'report mode')] : []),
    h('span', { class: 'when', 'data-time': last.time }, ago(last.time, Date.now())),
  ]
}

function bodyOf(group: DenialGroupView): HTMLElement[] {
  const { now, last } = group
  return [
    ...(now === undefined ? [] : whyAndChange(now)),
    joinedFacts(group),
    h('p', { class: 'actions links' }, ...linksOf(group)),
    h(
      'details',
      {},
      h('summary', {}, 'Request and response'),
      requestLines(last),
      ...(now === undefined ? [] : answerAndCurl(now)),
    ),
  ]
}

/** Methods and headers of all requests in the group. The proposal allows all of them. */
function joinedFacts({ methods, headers, first }: DenialGroupView): HTMLElement {
  const fact = (name: string, values: readonly string[]): readonly HTMLElement[] =>
    values.length === 0
      ? []
      : [h('dt', {}, name), h('dd', {}, ...values.map((value) => h('code', {}, value)))]
  return h(
    'dl',
    { class: 'facts' },
    ...fact('Methods', methods),
    ...fact('Request headers', headers),
    h('dt', {}, 'First seen'),
    h('dd', {}, new Date(first).toLocaleString('en-GB')),
  )
}

function linksOf({ bucket, reason, last }: DenialGroupView): Node[] {
  const question = new URLSearchParams({
    ...(last.host === undefined ? {} : { host: last.host, path: last.path }),
    ...(last.origin === undefined ? {} : { origin: last.origin }),
    ...(last.method === undefined ? {} : { method: last.method }),
    ...(last.requestedHeaders === undefined ? {} : { headers: last.requestedHeaders }),
    ...(last.kind === 'actual' ? { actual: 'true' } : {}),
  })
  return [
    reasonLink(reason),
    ...(bucket === undefined ? [] : [bucketLink(bucket)]),
    h('a', { href: `/?${question}#try` }, 'Try this request'),
  ]
}

function bucketLink(bucket: string): HTMLElement {
  const link = h('a', { href: '#buckets' }, `Rules of ${bucket}`)
  link.addEventListener('click', () => openBucket(bucket))
  return link
}

function requestLines({
  kind,
  method,
  path,
  host,
  origin,
  requestedHeaders,
  requestId,
  time,
}: DenialGroupView['last']): HTMLElement {
  const optional = (name: string, value: string | undefined): string =>
    value === undefined ? '' : `${name}: ${value}\n`
  const text =
    (kind === 'preflight' ? `OPTIONS ${path}\n` : `${method} ${path}\n`) +
    optional('Host', host) +
    optional('Origin', origin) +
    (kind === 'preflight' ? optional('Access-Control-Request-Method', method) : '') +
    optional('Access-Control-Request-Headers', requestedHeaders)
  return h(
    'div',
    {},
    h(
      'p',
      { class: 'soft' },
      `Latest: ${new Date(time).toLocaleString('en-GB')}, request id `,
      h('code', {}, requestId),
    ),
    copyable('Request received', text.trimEnd(), h('pre', { tabindex: '0', class: 'wrap' }, text.trimEnd())),
  )
}
