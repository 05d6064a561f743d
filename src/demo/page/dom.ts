/// <reference lib="dom" />
/** Small pieces of the page, beside those of the console. */

import { copyable, h } from '../../admin/page/dom.ts'

export type Child = Node | string | undefined

export const badge = (good: boolean, words: string): HTMLElement =>
  h('span', { class: good ? 'badge good' : 'badge bad' }, (good ? '✓ ' : '✗ ') + words)

export const verdict = (good: boolean, words: string, ...more: readonly Child[]): HTMLElement =>
  h('p', { class: 'verdict' }, badge(good, words), ...more)

export const note = (words: string): HTMLElement => h('p', {}, words)

/** A block of text that opens on a click, and can be copied. */
export const fold = (title: string, body: string): HTMLElement =>
  h('details', {}, h('summary', {}, title), copyable(title, body, wrapped(body)))

/** Long lines are wrapped: nothing is cut off at the right. */
export const wrapped = (body: string): HTMLElement => h('pre', { tabindex: '0', class: 'wrap' }, body)

export function table(title: string, head: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  return h(
    'section',
    { class: 'scroll', tabindex: '0', 'aria-label': title },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...head.map((cell) => h('th', { scope: 'col' }, cell)))),
      h('tbody', {}, ...rows),
    ),
  )
}
