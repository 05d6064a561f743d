/// <reference lib="dom" />
import type { FormFinding } from '../shapes.ts'
import { badge, h, type Tone } from './dom.ts'

const severityTone: Readonly<Record<FormFinding['severity'], Tone>> = {
  error: 'bad',
  warning: 'warn',
  info: 'plain',
}

/** Findings with their place in the file. */
export function findingList(findings: readonly Omit<FormFinding, 'field' | 'entry'>[]): HTMLElement {
  return h(
    'div',
    {},
    ...findings.map(({ severity, line, column, code, message }) =>
      h(
        'div',
        { class: 'finding' },
        badge(severityTone[severity], severity),
        h('p', {}, message, ' ', h('span', { class: 'place' }, `line ${line}, column ${column} · ${code}`)),
      ),
    ),
  )
}
