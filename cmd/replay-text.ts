import {
  type ReplayChange,
  type ReplayGroup,
  type ReplayResult,
  replayChanges,
  type SkipReason,
  skipReasons,
} from '../src/compare/replay.ts'
import type { Outcome } from '../src/plan/outcome.ts'
import { visible, visibleJson } from '../src/text/visible.ts'

export const replayJson = (result: ReplayResult): string =>
  `${visibleJson(JSON.stringify(result, undefined, 2))}\n`

export function replayText(result: ReplayResult): string {
  return [...result.groups.map(groupText), summaryText(result)].join('\n')
}

function groupText(group: ReplayGroup): string {
  const { count, overcount, kind, method, origin, requestedHeaders, before, after, explanation } = group
  const what = kind === 'preflight' ? `preflight for ${shown(method)}` : shown(method)
  const asking = requestedHeaders === undefined ? '' : `, asking for ${shown(requestedHeaders)}`
  const times = overcount === 0 ? String(count) : `${count - overcount} to ${count}`
  const bucket = shown(before.bucket ?? 'no bucket')
  const elsewhere =
    before.bucket === after.bucket
      ? ''
      : `, now ${after.bucket === undefined ? 'without a bucket' : `in bucket ${shown(after.bucket)}`}`
  const modes = before.mode !== after.mode
  return [
    `${times} × ${bucket}: ${what} from ${shown(origin)}${asking}`,
    `    ${outcomeText(before, modes)} → ${outcomeText(after, modes)}${elsewhere}`,
    ...(explanation === undefined ? [] : [`    ${shown(explanation)}`]),
    '',
  ].join('\n')
}

function outcomeText({ decision, reason, mode, rule = '' }: Outcome, withMode: boolean): string {
  const text = decision === 'allow' ? `allowed by rule ${shown(rule)}` : `denied: ${reason}`
  return withMode ? `${text} (${mode === 'report' ? 'handled by the store' : 'enforced'})` : text
}

const changeWords: Readonly<Record<ReplayChange, string>> = {
  refused: 'allowed before, now denied',
  allowed: 'denied before, now allowed',
  reason: 'denied for another reason',
  rule: 'allowed by another rule, which may send other headers',
  mode: 'handled by the store before or now, but not both',
}

const skipWords: Readonly<Record<SkipReason, string>> = {
  'not-json': 'not JSON',
  other: 'not about a request',
  'no-origin': 'without Origin, so not a CORS request',
  incomplete: 'incomplete: no decision',
  'too-long': 'longer than any log line',
  cut: 'a value that the rules depend on was cut',
  refused: 'answered before any rule is checked',
}

function summaryText({ lines, skipped, unchanged, changed }: ReplayResult): string {
  const otherwise = replayChanges.reduce((sum, change) => sum + changed[change], 0)
  const counts = [
    ...replayChanges.map((change) => [changed[change], changeWords[change]] as const),
    ...skipReasons.map((reason) => [skipped[reason], `skipped, ${skipWords[reason]}`] as const),
  ]
  const read = `${lines} ${lines === 1 ? 'line' : 'lines'} read`
  const all = unchanged + otherwise
  const decided = `${all} ${all === 1 ? 'request' : 'requests'} re-evaluated, ${otherwise === 0 ? 'none' : otherwise} would change`
  return [
    `${read}: ${decided}`,
    ...counts.filter(([count]) => count > 0).map(([count, words]) => `${String(count).padStart(8)} ${words}`),
    '',
  ].join('\n')
}

/** Text from a log is untrusted. */
const shown = (text: string): string => visible(text.length > 240 ? `${text.slice(0, 240)}…` : text)
