/// <reference lib="dom" />
import type { EditorFinding } from '../shapes.ts'
import { badge, h, type Tone } from './dom.ts'

const severityTone: Readonly<Record<EditorFinding['severity'], Tone>> = {
  error: 'bad',
  warning: 'warn',
  info: 'plain',
}

/** A list of findings. With `goTo`, positions are links into the text. */
export function findingList(
  findings: readonly EditorFinding[],
  goTo?: (line: number, column: number) => void,
): HTMLElement {
  return h(
    'div',
    {},
    ...findings.map((finding) => {
      const { severity, line, column, code, message, quoted } = finding
      const place = `line ${line}, column ${column}`
      return h(
        'div',
        { class: 'finding' },
        badge(severityTone[severity], severity),
        h(
          'div',
          {},
          h('p', {}, message),
          quoted === undefined || quoted.trim() === ''
            ? undefined
            : h('pre', { class: 'quoted' }, quoted.trim()),
          h(
            'p',
            { class: 'place' },
            goTo === undefined ? place : placeButton(place, () => goTo(line, column)),
            ' · ',
            h('span', { class: 'code' }, code),
          ),
        ),
      )
    }),
  )
}

function placeButton(place: string, go: () => void): HTMLElement {
  const button = h('button', { type: 'button', class: 'link' }, place)
  button.addEventListener('click', go)
  return button
}
