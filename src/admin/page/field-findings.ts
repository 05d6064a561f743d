/// <reference lib="dom" />
import type { EditorFinding } from '../shapes.ts'
import { h, show } from './dom.ts'
import { fields } from './form-fields.ts'

/** Shows each finding at its field, and findings without a field in `notes`. `name` is the id of the card. */
export function showFindings(
  card: HTMLElement,
  name: string,
  notes: HTMLElement,
  findings: readonly EditorFinding[],
): void {
  const shown = new Set<EditorFinding>()
  for (const field of fields) {
    const own = findings.filter((finding) => finding.field === field)
    for (const finding of own) shown.add(finding)
    const says = card.querySelector(`#${name}-${field}-says`)
    if (says instanceof HTMLElement) show(says, ...own.map(line))
    const invalid = own.some(({ severity }) => severity === 'error')
    card.querySelector(`[name="${field}"]`)?.setAttribute('aria-invalid', String(invalid))
  }
  show(notes, ...findings.filter((finding) => !shown.has(finding)).map(line))
}

const signs = { error: '✗', warning: '▲', info: 'ℹ' } as const

const line = ({ severity, entry, message }: EditorFinding): HTMLElement =>
  h(
    'p',
    { class: `says-${severity}` },
    `${signs[severity]} ${entry === undefined ? '' : `Line ${entry + 1}: `}${message}`,
  )
