/// <reference lib="dom" />
/** Small pieces of the page. What comes from outside goes in as text, never as markup. */

export type Child = Node | string | undefined

/** The element `id` of the page; a bug when it is not there. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string, kind?: new () => Kind): Kind
export function byId(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no #${id}`)
  return found
}

/** A new element. `class` and the other attributes are as in HTML. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...children.filter((child) => child !== undefined))
  return made
}

export const badge = (good: boolean, words: string): HTMLElement =>
  element('span', { class: good ? 'badge good' : 'badge bad' }, (good ? '✓ ' : '✗ ') + words)

export const verdict = (good: boolean, words: string, ...more: readonly Child[]): HTMLElement =>
  element('p', { class: 'verdict' }, badge(good, words), ...more)

export const note = (words: string): HTMLElement => element('p', {}, words)

export const fold = (title: string, body: string): HTMLElement =>
  element('details', {}, element('summary', {}, title), element('pre', { tabindex: '0' }, body))

export function table(head: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  return element(
    'div',
    { class: 'scroll' },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...head.map((cell) => element('th', { scope: 'col' }, cell)))),
      element('tbody', {}, ...rows),
    ),
  )
}
