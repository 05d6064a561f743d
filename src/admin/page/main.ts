/// <reference lib="dom" />
import type { History, Overview } from '../shapes.ts'
import { ask, messageOf } from './ask.ts'
import { prepareReload, refreshBuckets } from './buckets.ts'
import { refreshAges, refreshDenials } from './denials.ts'
import { byId, h, setText, show, whole } from './dom.ts'
import { createPlot } from './plot.ts'
import { extend, type KindChoice, rates, reasonNames, reasonWords, totals } from './rates.ts'
import { prepareRuleForm } from './rule-form.ts'
import { prepareTry } from './try-request.ts'

const pollInterval = 2000
const hour = 3_600_000

let history: History | undefined
let knownDenials: number | undefined
let knownGeneration: number | undefined

const drawRates = createPlot(byId('plot', HTMLElement))
const kindChoice = byId('rates-kind', HTMLSelectElement)
const windowChoice = byId('rates-window', HTMLSelectElement)
const find = byId('find', HTMLInputElement)

async function refresh(): Promise<void> {
  // The last point is that of the moment of the answer; the regular one before it is where the next answer goes on.
  const since = history?.points.at(-2)?.[0] ?? 0
  const query = new URLSearchParams({ since: String(since), find: find.value.trim() })
  const overview = await ask<Overview>(`/-/overview?${query}`)
  history = extend(history, overview.history, hour)
  showOverview(overview)
  refreshBuckets(overview)
  refreshAges()
  showRates()
  if (knownDenials !== overview.denials || knownGeneration !== overview.generation) {
    await refreshDenials()
    knownDenials = overview.denials
    knownGeneration = overview.generation
  }
}

function showOverview({ version, endpoint, ready, generation, states }: Overview): void {
  setText(
    'status-text',
    `${ready ? 'serving' : 'draining'} ${endpoint} · rules generation ${whole(generation)}`,
  )
  setText('version', `cors-sidecar ${version}`)
  setText('tile-ok', whole(states.ok))
  const trouble = states.stale + states.invalid
  setText('tile-trouble', whole(trouble))
  byId('tile-trouble', HTMLElement).parentElement?.classList.toggle('bad', trouble > 0)
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
      : `${problem} What you see is what it said last; it is asked again every few seconds.`,
  )
  document.body.classList.toggle('stale-data', problem !== undefined)
  const status = byId('status', HTMLElement)
  status.classList.toggle('live', problem === undefined)
  status.classList.toggle('down', problem !== undefined)
  if (problem !== undefined) setText('status-text', 'no answer')
}

async function poll(): Promise<void> {
  if (!document.hidden) {
    try {
      await refresh()
      showLive(undefined)
    } catch (error) {
      showLive(messageOf(error))
    }
  }
  setTimeout(poll, pollInterval)
}

const refreshQuietly = (): Promise<void> => refresh().catch((error: unknown) => showLive(messageOf(error)))

kindChoice.addEventListener('change', showRates)
windowChoice.addEventListener('change', showRates)
find.addEventListener('input', refreshQuietly)
byId('denials-order', HTMLSelectElement).addEventListener('change', () => {
  knownDenials = undefined
  refreshQuietly()
})
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) refreshQuietly()
})
prepareReload(refreshQuietly)
prepareTry()
prepareRuleForm()
poll()
