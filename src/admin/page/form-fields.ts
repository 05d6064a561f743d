/// <reference lib="dom" />
/** Fields of a rule in the editor's form. */

import type { CheckedFile } from '../shapes.ts'
import { h } from './dom.ts'

export type ListField = 'allowedOrigins' | 'allowedHeaders' | 'exposeHeaders'
type Field = ListField | 'allowedMethods' | 'id' | 'preset' | 'maxAgeSeconds'

/** All fields except `preset` are those of a COS CORS rule. */
const labels: Readonly<Record<Field, readonly [label: string, help: string]>> = {
  id: ['Rule ID', 'Optional. Names the rule in metrics, logs and explanations.'],
  preset: ['Preset', 'Optional. Fills in what a client library needs; the fields below then override it.'],
  allowedOrigins: [
    'Origins',
    'One per line: scheme, host and port, without a path. One * stands for any part, as in https://*.example.com. A line with only * allows every origin: not recommended.',
  ],
  allowedMethods: ['Methods', 'Methods that pages may use. Multipart uploads need POST and PUT.'],
  allowedHeaders: [
    'Allowed headers',
    'One per line: request headers that pages may set. * allows every header.',
  ],
  exposeHeaders: [
    'Expose headers',
    'One per line: response headers that scripts may read. Upload libraries need ETag. No *.',
  ],
  maxAgeSeconds: ['Max-age', 'Seconds for which a browser may cache the response to a preflight.'],
}

export const fields = [
  'id',
  'preset',
  'allowedOrigins',
  'allowedMethods',
  'allowedHeaders',
  'exposeHeaders',
  'maxAgeSeconds',
] as const satisfies readonly Field[]

/** A preset fills in methods and max-age. */
function isRequired(field: Field, form: CheckedFile['form'], hasPreset: boolean): boolean {
  if (field === 'allowedOrigins') return true
  return !hasPreset && (field === 'allowedMethods' || (field === 'maxAgeSeconds' && form.requiresMaxAge))
}

/** The help of a field, with the value that the preset fills in if the field is empty. */
export function explain(
  card: HTMLElement,
  name: string,
  field: Field,
  fromPreset: string | number = '',
): void {
  const help = card.querySelector(`#${name}-${field}-help`)
  const words = fromPreset === '' ? '' : ` If empty, from the preset: ${fromPreset}.`
  if (help !== null) help.textContent = `${labels[field][1]}${words}`
}

export const linesOf = (value: string): string[] =>
  value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** Does not overwrite the focused field, because it may hold empty lines that the file does not keep. */
export function put(element: HTMLInputElement | HTMLTextAreaElement, value: string): void {
  if (element !== document.activeElement && element.value !== value) element.value = value
}

export function putLines(element: HTMLTextAreaElement, values: readonly string[]): void {
  put(element, values.join('\n'))
  element.rows = Math.min(8, Math.max(2, values.length + 1))
}

/** Calls `onChange` shortly after the last key, or at once when the field loses the focus. */
function listen(element: HTMLInputElement | HTMLTextAreaElement, onChange: (value: string) => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  element.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      timer = undefined
      onChange(element.value)
    }, 250)
  })
  element.addEventListener('change', () => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    onChange(element.value)
  })
}

export function inputFor(
  name: string,
  field: 'id' | 'maxAgeSeconds',
  onChange: (value: string) => void,
): HTMLInputElement {
  const input = h('input', {
    name: field,
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': `${name}-${field}-help ${name}-${field}-says`,
    ...(field === 'maxAgeSeconds' ? { inputmode: 'numeric' } : {}),
  })
  listen(input, onChange)
  return input
}

export function areaFor(
  name: string,
  field: ListField,
  onChange: (value: string) => void,
): HTMLTextAreaElement {
  const area = h('textarea', {
    name: field,
    rows: '2',
    spellcheck: 'false',
    autocapitalize: 'off',
    'aria-describedby': `${name}-${field}-help ${name}-${field}-says`,
    ...(field === 'allowedOrigins' ? { placeholder: 'https://example.com' } : {}),
  })
  listen(area, onChange)
  return area
}

/** Hidden where the field is optional. */
const mark = (words?: HTMLElement): HTMLElement =>
  h(
    'span',
    { class: 'required', title: 'required', hidden: '' },
    h('span', { 'aria-hidden': 'true' }, ' *'),
    words,
  )

export function markRequired(
  card: HTMLElement,
  name: string,
  field: Field,
  form: CheckedFile['form'],
  hasPreset: boolean,
): void {
  const must = isRequired(field, form, hasPreset)
  const sign = card.querySelector(`[data-field="${field}"] .required`)
  if (sign instanceof HTMLElement) sign.hidden = !must
  const element = card.querySelector(`#${name}-${field}`)
  if (element?.matches('input, textarea') === true) element.setAttribute('aria-required', String(must))
}

export function labelled(name: string, field: Field, element: HTMLElement, wide = false): HTMLElement {
  const [label, help] = labels[field]
  const id = `${name}-${field}`
  element.id = id
  return h(
    'div',
    { class: wide ? 'field wide' : 'field', 'data-field': field },
    h('label', { for: id }, label, mark()),
    element,
    h('span', { class: 'help', id: `${id}-help` }, help),
    h('div', { class: 'says', id: `${id}-says` }),
  )
}

export function methodField(name: string, boxes: HTMLElement): HTMLElement {
  const [label, help] = labels.allowedMethods
  const id = `${name}-allowedMethods`
  return h(
    'div',
    {
      class: 'field wide',
      'data-field': 'allowedMethods',
      role: 'group',
      'aria-labelledby': id,
      'aria-describedby': `${id}-help ${id}-says`,
    },
    // A group has no aria-required.
    h('span', { class: 'label-text', id }, label, mark(h('span', { class: 'unseen' }, ' (required)'))),
    boxes,
    h('span', { class: 'help', id: `${id}-help` }, help),
    h('div', { class: 'says', id: `${id}-says` }),
  )
}
