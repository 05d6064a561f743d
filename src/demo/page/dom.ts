/// <reference lib="dom" />
/** DOM helpers, in addition to those of the console. */

import { copyable, h } from '../../admin/page/dom.ts'

export type Child = Node | string | undefined

export const badge = (good: boolean, words: string): HTMLElement =>
  h('span', { class: good ? 'badge good' : 'badge bad' }, (good ? '✓ ' : '✗ ') + words)

export const resultLine = (good: boolean, words: string, ...more: readonly Child[]): HTMLElement =>
  h('p', { class: 'verdict' }, badge(good, words), ...more)

export const note = (words: string): HTMLElement => h('p', {}, words)

/** Closed details with a text and a copy button. */
export const fold = (title: string, body: string): HTMLElement =>
  h('details', {}, h('summary', {}, title), copyable(title, body, wrapped(body)))

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
