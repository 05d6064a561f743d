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
/** Files on a page of the bucket list, as the sidecar gives them. */
const pageLength = 100

let history: History | undefined
let known = ''
let from = 0

const drawRates = createPlot(byId('plot', HTMLElement))
const kindChoice = byId('rates-kind', HTMLSelectElement)
const windowChoice = byId('rates-window', HTMLSelectElement)
const find = byId('find', HTMLInputElement)

async function refresh(): Promise<void> {
  // The last point is that of the moment of the answer; the regular one before it is where the next answer goes on.
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
  if (known !== now) {
    await refreshDenials(overview.generation)
    known = now
  }
}

function showOverview(overview: Overview): void {
  const { version, endpoint, ready, states, started } = overview
  setText('status-text', `${ready ? 'Serving' : 'Draining'} ${endpoint}`)
  setText('version', `cors-sidecar ${version}`)
  setText('tile-ok', whole(states.ok))
  const withErrors = states.stale + states.invalid
  setText('tile-trouble', whole(withErrors))
  byId('tile-trouble', HTMLElement).parentElement?.classList.toggle('bad', withErrors > 0)
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
      : 'every request is left to the store, without CORS rules'
  show(
    alarm,
    ...(alarm.hidden
      ? []
      : [
          `There is no rule file in ${directory}: ${effect}. Check the setting `,
          h('code', { class: 'setting' }, '--rules'),
          ', and the volume that is mounted there.',
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
    problem === undefined
      ? ''
      : `${problem} The page shows the last answer, and asks again every few seconds.`,
  )
  document.body.classList.toggle('stale-data', problem !== undefined)
  const status = byId('status', HTMLElement)
  status.classList.toggle('live', problem === undefined)
  status.classList.toggle('down', problem !== undefined)
  if (problem !== undefined) setText('status-text', 'No answer')
}

/** Calls `task` again and again, a while after its end, as long as the page is looked at. */
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

/** The overview says when the sidecar does not answer; these then keep what they show. */
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
