/// <reference lib="dom" />
import type { DenialGroupView, DenialsView } from '../shapes.ts'
import { ask } from './ask.ts'
import { ago, badge, byId, copyable, h, setText, whole } from './dom.ts'
import { answerAndCurl, whyAndChange } from './explanation.ts'
import { reasonWords } from './rates.ts'

const shown = 30

/** What the list shows of one group, and from which answer it was made. */
interface Entry {
  readonly element: HTMLDetailsElement
  made: string
}

const entries = new Map<string, Entry>()

/** Brings the list of refused requests up to date. */
export async function refreshDenials(): Promise<void> {
  const { groups, total } = await ask<DenialsView>(`/-/denials?groups=${shown}&recent=0`)
  const list = byId('denial-list', HTMLElement)
  if (groups.length === 0) {
    list.replaceChildren(h('p', { class: 'empty' }, 'Nothing was refused since the sidecar started.'))
    return
  }
  setText('denials-title', `Refused requests: ${whole(total)}`)
  const latestFirst = byId('denials-order', HTMLSelectElement).value === 'latest'
  const ordered = latestFirst
    ? groups.toSorted((a, b) => Date.parse(b.last.time) - Date.parse(a.last.time))
    : // What was mended comes last.
      [...groups.filter(isDenied), ...groups.filter((group) => !isDenied(group))]
  const elements = ordered.map((group, index) => elementOf(group, index === 0 && entries.size === 0))
  const kept = new Set(ordered.map(keyOf))
  for (const key of entries.keys()) if (!kept.has(key)) entries.delete(key)
  // Whoever reads must not have the lines move under the pointer or the focus taken away.
  const isReading = list.matches(':hover') || list.contains(document.activeElement)
  if (isReading && elements.every((element) => list.contains(element))) return
  if (!isReading || list.querySelector('details') === null) list.replaceChildren(...elements)
  else list.append(...elements.filter((element) => !list.contains(element)))
}

/** Says anew how long ago it was, which nobody needs to ask the sidecar for. */
export function refreshAges(): void {
  for (const { element } of entries.values()) {
    const when = element.querySelector('.when')
    const time = when?.getAttribute('data-time')
    if (when !== null && typeof time === 'string') when.textContent = ago(time, Date.now())
  }
}

const isDenied = ({ now }: DenialGroupView): boolean => now?.decision !== 'allow'

const keyOf = ({ bucket, origin, reason }: DenialGroupView): string =>
  JSON.stringify([bucket, origin, reason])

function elementOf(group: DenialGroupView, open: boolean): HTMLDetailsElement {
  const key = keyOf(group)
  let entry = entries.get(key)
  if (entry === undefined) {
    const element = h('details', {}, h('summary'), h('div', { class: 'body' }))
    element.open = open
    entry = { element, made: '' }
    entries.set(key, entry)
  }
  const [summary, body] = entry.element.children
  summary?.replaceChildren(...summaryOf(group))
  const made = JSON.stringify([group.last, group.now])
  if (made !== entry.made) {
    entry.made = made
    body?.replaceChildren(...bodyOf(group))
  }
  return entry.element
}

function summaryOf(group: DenialGroupView): Node[] {
  const { count, overcount, last, origin, bucket, reason, now } = group
  const times = overcount === 0 ? `${whole(count)} ×` : `≤ ${whole(count)} ×`
  const what = last.kind === 'preflight' ? `${last.method ?? '?'} (preflight)` : (last.method ?? '?')
  return [
    h('span', { class: 'count' }, times),
    h('span', { class: 'who' }, h('code', {}, origin ?? 'no origin'), ` → ${bucket ?? 'no bucket'}, ${what}`),
    badge(now?.decision === 'allow' ? 'plain' : 'bad', reasonWords[reason]),
    ...(now?.decision === 'allow' ? [badge('good', 'allowed by now')] : []),
    ...(last.mode === 'report' ? [badge('plain', 'only reported')] : []),
    h('span', { class: 'when', 'data-time': last.time }, ago(last.time, Date.now())),
  ]
}

function bodyOf({ now, last }: DenialGroupView): HTMLElement[] {
  const question = new URLSearchParams({
    ...(last.host === undefined ? {} : { host: last.host, path: last.path }),
    ...(last.origin === undefined ? {} : { origin: last.origin }),
    ...(last.method === undefined ? {} : { method: last.method }),
    ...(last.requestedHeaders === undefined ? {} : { headers: last.requestedHeaders }),
    ...(last.kind === 'actual' ? { actual: 'true' } : {}),
  })
  const link = h('a', { href: `/?${question}#try` }, 'Try this request')
  return [
    ...(now === undefined ? [] : whyAndChange(now)),
    h(
      'details',
      {},
      h('summary', {}, 'The request and its answer'),
      requestLines(last),
      ...(now === undefined ? [] : answerAndCurl(now)),
    ),
    h('p', {}, link),
  ]
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
      `The latest: ${new Date(time).toLocaleString()}, request id `,
      h('code', {}, requestId),
    ),
    copyable('As it came', text.trimEnd(), h('pre', { tabindex: '0', class: 'wrap' }, text.trimEnd())),
  )
}
