/// <reference lib="dom" />
import type { Explained } from '../../plan/explained.ts'
import { AskError, ask, messageOf } from './ask.ts'
import { byId, control, copyButton, h, setText } from './dom.ts'
import { answerAndCurl, decisionLine, whyAndChange } from './explanation.ts'

const names = ['bucket', 'origin', 'method', 'headers', 'path', 'actual'] as const
const fieldsWithErrors = ['bucket', 'path', 'origin', 'headers'] as const
type FieldWithError = (typeof fieldsWithErrors)[number]

const form = byId('try-form', HTMLFormElement)

/** The form that explains a request. The URL contains the request, so that it can be shared. */
export function prepareTry(): void {
  byId('try-share', HTMLElement).append(
    copyButton(() => location.href, 'a link to this request', 'Copy link'),
  )
  byId('try-share', HTMLElement).hidden = true
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const question = questionOf()
    if (!isComplete()) return
    history.replaceState(undefined, '', `/?${question}#try`)
    void explain(question)
  })
  form.addEventListener('input', ({ target }) => {
    const field = fieldsWithErrors.find((name) => target instanceof HTMLInputElement && target.name === name)
    if (field !== undefined) showError(field, '')
  })
  const asked = new URLSearchParams(location.search)
  if (asked.has('bucket') || asked.has('host')) {
    fill(asked)
    void explain(asked)
  }
}

const missing = {
  bucket: 'Enter the bucket.',
  origin: 'Enter the origin of the page: its scheme, host and port.',
} as const

function isComplete(): boolean {
  const empty = (['bucket', 'origin'] as const).filter(
    (name) => control(form, name, HTMLInputElement).value.trim() === '',
  )
  for (const name of fieldsWithErrors) showError(name, '')
  for (const name of empty) showError(name, missing[name])
  const [first] = empty
  if (first !== undefined) control(form, first, HTMLInputElement).focus()
  if (first !== undefined) byId('try-result', HTMLElement).replaceChildren()
  return first === undefined
}

function showError(name: FieldWithError, message: string): void {
  setText(`try-${name}-error`, message)
  control(form, name, HTMLInputElement).setAttribute('aria-invalid', String(message !== ''))
}

/** The non-empty fields, as parameters of `/-/explain`. */
function questionOf(): URLSearchParams {
  const typed = new FormData(form)
  return new URLSearchParams(
    names.flatMap((name) => {
      const value = String(typed.get(name) ?? '').trim()
      if (value === '') return []
      return [[name, name === 'path' && !value.startsWith('/') ? `/${value}` : value]]
    }),
  )
}

function fill(question: URLSearchParams): void {
  for (const name of names) {
    const element = form.elements.namedItem(name)
    if (element instanceof HTMLInputElement) element.value = question.get(name) ?? ''
    if (element instanceof HTMLSelectElement) choose(element, question.get(name) ?? '')
  }
}

/** Adds the method of the URL if the list does not have it. */
function choose(select: HTMLSelectElement, value: string): void {
  if (![...select.options].some((option) => option.value === value))
    select.append(h('option', { value }, value))
  select.value = value
}

async function explain(question: URLSearchParams): Promise<void> {
  const result = byId('try-result', HTMLElement)
  try {
    const explained = await ask<Explained>(`/-/explain?${question}`)
    result.replaceChildren(decisionLine(explained), ...whyAndChange(explained), ...answerAndCurl(explained))
    byId('try-share', HTMLElement).hidden = false
    // A request given by host and path has a bucket too; the form shows it.
    if (question.has('host')) control(form, 'bucket', HTMLInputElement).value = explained.bucket ?? ''
  } catch (error) {
    result.replaceChildren()
    byId('try-share', HTMLElement).hidden = true
    const field = fieldsWithErrors.find((name) => error instanceof AskError && error.field === name)
    if (field === undefined) result.append(h('p', { role: 'alert', class: 'alarm' }, messageOf(error)))
    else {
      showError(field, messageOf(error))
      control(form, field, HTMLInputElement).focus()
    }
  }
}
