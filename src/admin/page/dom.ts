/// <reference lib="dom" />
/** DOM helpers. Data from outside is inserted as text, never as markup. */

type Child = Node | string | undefined

/** Creates an element. Attributes are named as in HTML; those that are `undefined` are left out. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes))
    if (value !== undefined) element.setAttribute(attribute, value)
  element.append(...children.filter((child) => child !== undefined))
  return element
}

/** Throws if the page has no such element. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string, kind?: new () => Kind): Kind
export function byId(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const element = document.getElementById(id)
  if (!(element instanceof kind)) throw new Error(`the page has no #${id}`)
  return element
}

export function control<Kind extends HTMLElement>(
  form: HTMLFormElement,
  name: string,
  kind: new () => Kind,
): Kind {
  const element = form.elements.namedItem(name)
  if (!(element instanceof kind)) throw new Error(`the form has no ${name}`)
  return element
}

/** Replaces the children of `parent` only if they differ, so that a selection of text stays. */
export function show(parent: HTMLElement, ...children: readonly Child[]): void {
  const next = h('div', {}, ...children)
  if (!sameContent(parent, next)) parent.replaceChildren(...next.childNodes)
}

function sameContent(one: HTMLElement, other: HTMLElement): boolean {
  return (
    one.childNodes.length === other.childNodes.length &&
    [...one.childNodes].every((node, index) => node.isEqualNode(other.childNodes[index] ?? null))
  )
}

export const setText = (id: string, text: string): void => {
  const element = byId(id, HTMLElement)
  if (element.textContent !== text) element.textContent = text
}

export type Tone = 'good' | 'bad' | 'warn' | 'plain'

export const badge = (tone: Tone, words: string): HTMLElement => h('span', { class: `badge ${tone}` }, words)

/** A heading above a block of code, with a button that copies it. */
export function copyable(
  title: string,
  text: string,
  block: HTMLElement = h('pre', { tabindex: '0' }, text),
  label = 'Copy',
  ...more: readonly HTMLElement[]
): HTMLElement {
  block.setAttribute('aria-label', title)
  block.setAttribute('role', 'group')
  return h(
    'div',
    {},
    h(
      'div',
      { class: 'label' },
      h('span', {}, title),
      h(
        'span',
        { class: 'actions' },
        copyButton(() => text, title, label),
        ...more,
      ),
    ),
    block,
  )
}

/** `what` completes the label for screen readers. */
export function copyButton(text: () => string, what: string, label = 'Copy'): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'small', 'aria-label': `${label}: ${what}` }, label)
  button.addEventListener('click', async () => {
    const done = await navigator.clipboard.writeText(text()).then(
      () => 'Copied',
      () => 'Copy failed',
    )
    button.textContent = done
    setTimeout(() => {
      button.textContent = label
    }, 1500)
  })
  return button
}

/** A unified diff without its file names, with added and removed lines highlighted. */
export function diffBlock(diff: string): HTMLElement {
  const lines = diff
    .trimEnd()
    .split('\n')
    .filter((line) => !/^(?:---|\+\+\+) /.test(line))
  return h(
    'pre',
    // Wrapped, because an addition is often at the end of a long line.
    { tabindex: '0', class: 'wrap' },
    ...lines.map((line) => {
      const kind = line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : undefined
      return kind === undefined ? `${line}\n` : h('span', { class: kind }, line)
    }),
  )
}

const units: readonly (readonly [number, Intl.RelativeTimeFormatUnit])[] = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** "5 minutes ago" */
export function ago(time: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000))
  const [size, unit] = units.find(([length]) => seconds >= length) ?? [1, 'second']
  return relative.format(-Math.floor(seconds / size), unit)
}

export const whole = (number: number): string => number.toLocaleString('en')
