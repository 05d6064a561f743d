/// <reference lib="dom" />
import type { History, Overview } from '../shapes.ts'
import { ask, messageOf } from './ask.ts'
import { prepareReload, refreshBuckets, showBucket } from './buckets.ts'
import { refreshCandidates, showCandidates } from './candidates.ts'
import { prepareDenials, refreshAges, refreshDenials } from './denials.ts'
import { ago, byId, h, setText, show, whole } from './dom.ts'
import { prepareEditor } from './editor.ts'
import { createPlot } from './plot.ts'
import { extend, type KindChoice, rates, reasonNames, reasonWords, totals } from './rates.ts'
import { clock, refreshStore, showStore } from './store.ts'
import { prepareTry } from './try-request.ts'

const pollInterval = 2000
const hour = 3_600_000
/** Files on a page of the bucket list. Must equal `maxFiles` in overview.ts. */
const pageLength = 100

let history: History | undefined
let shown = ''
let from = 0

const drawRates = createPlot(byId('plot', HTMLElement))
const kindChoice = byId('rates-kind', HTMLSelectElement)
const windowChoice = byId('rates-window', HTMLSelectElement)
const find = byId('find', HTMLInputElement)

async function refresh(): Promise<void> {
  // The last point was made for the previous response and is not a regular sample, so ask for all points after the one before it.
  const since = history?.points.at(-2)?.[0] ?? 0
  const query = new URLSearchParams({ since: String(since), find: find.value.trim(), from: String(from) })
  const overview = await ask<Overview>(`/-/overview?${query}`)
  history = extend(history, overview.history, hour)
  showOverview(overview)
  refreshBuckets(overview)
  refreshAges()
  showStore()
  showRates()
  const now = JSON.stringify([overview.denials, overview.generation, overview.started])
  if (shown !== now) {
    await refreshDenials(overview.generation)
    shown = now
  }
}

function showOverview(overview: Overview): void {
  const { version, endpoint, ready, states, started } = overview
  setText('status-text', `${ready ? 'Serving' : 'Draining'} ${endpoint}`)
  setText('version', `cors-sidecar ${version}`)
  setText('tile-ok', whole(states.ok))
  const withErrors = states.stale + states.invalid
  setText('tile-errors', whole(withErrors))
  byId('tile-errors', HTMLElement).parentElement?.classList.toggle('bad', withErrors > 0)
  setText(
    'counted-since',
    `Counted since the sidecar started, ${clock(started)} (${ago(started, Date.now())}).`,
  )
  showCandidates(overview.candidates)
  showRulesAlarm(overview)
}

function showRulesAlarm({ states, directory, unconfigured }: Overview): void {
  const alarm = byId('rules-alarm', HTMLElement)
  alarm.hidden = states.ok + states.stale + states.invalid > 0
  const effect =
    unconfigured === 'refuse'
      ? 'every preflight is refused'
      : 'requests are forwarded to the store without CORS rules'
  show(
    alarm,
    ...(alarm.hidden
      ? []
      : [
          `There are no rule files in ${directory}: ${effect}. Check the setting `,
          h('code', { class: 'setting' }, '--rules'),
          ' and the volume mounted there.',
        ]),
  )
}

function showRates(): void {
  if (history === undefined) return
  const seconds = Number(windowChoice.value)
  drawRates(rates(history, kindOf(kindChoice.value), seconds, Math.max(2, seconds / 150)), seconds)
  const preflights = totals(history, 'preflight')
  const actual = totals(history, 'actual')
  show(
    byId('totals', HTMLElement),
    ...reasonNames.map((reason) =>
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, h('span', { class: `key ${reason}` }), reasonWords[reason]),
        h('td', { class: 'number' }, whole(preflights[reason])),
        h('td', { class: 'number' }, whole(actual[reason])),
      ),
    ),
  )
  const all = totals(history, 'all')
  setText('tile-allowed', whole(all.matched))
  setText('tile-denied', whole(reasonNames.reduce((sum, reason) => sum + all[reason], -all.matched)))
}

const kindOf = (value: string): KindChoice => (value === 'preflight' || value === 'actual' ? value : 'all')

function showLive(problem: string | undefined): void {
  const alarm = byId('alarm', HTMLElement)
  alarm.hidden = problem === undefined
  setText(
    'alarm',
    problem === undefined ? '' : `${problem} The page shows the last data and tries again every few seconds.`,
  )
  document.body.classList.toggle('stale-data', problem !== undefined)
  const status = byId('status', HTMLElement)
  status.classList.toggle('live', problem === undefined)
  status.classList.toggle('down', problem !== undefined)
  if (problem !== undefined) setText('status-text', 'Not responding')
}

/** Calls `task` again `interval` milliseconds after it ends. Pauses while the page is hidden. */
async function repeat(task: () => Promise<void>, interval: number): Promise<void> {
  if (!document.hidden) await task()
  setTimeout(() => void repeat(task, interval), interval)
}

async function refreshAndShow(): Promise<void> {
  try {
    await refresh()
    showLive(undefined)
  } catch (error) {
    showLive(messageOf(error))
  }
}

/** Ignores errors: the overview reports a sidecar that does not respond, and the others keep what they show. */
const quietly = (task: () => Promise<void>) => (): Promise<void> => task().catch(() => undefined)

function turnPage(by: number): void {
  from = Math.max(0, from + by)
  void refreshAndShow()
  byId('buckets', HTMLElement).scrollIntoView()
}

kindChoice.addEventListener('change', showRates)
windowChoice.addEventListener('change', showRates)
find.addEventListener('input', () => {
  from = 0
  void refreshAndShow()
})
byId('bucket-previous', HTMLButtonElement).addEventListener('click', () => turnPage(-pageLength))
byId('bucket-next', HTMLButtonElement).addEventListener('click', () => turnPage(pageLength))
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refreshAndShow()
})
prepareReload(refreshAndShow)
prepareDenials(
  () => void quietly(() => refreshDenials())(),
  (bucket) => {
    from = 0
    void showBucket(bucket, refreshAndShow)
  },
)
prepareTry()
prepareEditor()
void repeat(quietly(refreshStore), pollInterval)
void repeat(async () => {
  await refreshAndShow()
  await quietly(refreshCandidates)()
}, pollInterval)
