/// <reference lib="dom" />
import type { Explained } from '../../plan/explained.ts'
import { ask, messageOf } from './ask.ts'
import { byId, control, h } from './dom.ts'
import { answerAndCurl, verdict, whyAndChange } from './explanation.ts'

const names = ['bucket', 'origin', 'method', 'headers', 'path', 'actual'] as const

/** The form that explains a request. The address of the page names the request, and a page so named explains it. */
export function prepareTry(): void {
  const form = byId('try-form', HTMLFormElement)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const question = questionOf(form)
    history.replaceState(undefined, '', `/?${question}#try`)
    explain(question)
  })
  const asked = new URLSearchParams(location.search)
  if (asked.has('bucket') || asked.has('host')) {
    fill(form, asked)
    explain(asked)
  }
}

/** The fields that were filled in, as `/-/explain` takes them. */
function questionOf(form: HTMLFormElement): URLSearchParams {
  const typed = new FormData(form)
  return new URLSearchParams(
    names.flatMap((name) => {
      const value = String(typed.get(name) ?? '').trim()
      return value === '' ? [] : [[name, value]]
    }),
  )
}

function fill(form: HTMLFormElement, question: URLSearchParams): void {
  for (const name of names) {
    const element = form.elements.namedItem(name)
    if (element instanceof HTMLInputElement) element.value = question.get(name) ?? ''
    if (element instanceof HTMLSelectElement) choose(element, question.get(name) ?? '')
  }
}

/** A method that no list has can have been asked for, too. */
function choose(select: HTMLSelectElement, value: string): void {
  if (![...select.options].some((option) => option.value === value))
    select.append(h('option', { value }, value))
  select.value = value
}

async function explain(question: URLSearchParams): Promise<void> {
  const result = byId('try-result', HTMLElement)
  try {
    const explained = await ask<Explained>(`/-/explain?${question}`)
    result.replaceChildren(verdict(explained), ...whyAndChange(explained), ...answerAndCurl(explained))
    // A request that was found by its host has a bucket, too, which the form can go on with.
    if (question.has('host'))
      control(byId('try-form', HTMLFormElement), 'bucket', HTMLInputElement).value = explained.bucket ?? ''
  } catch (error) {
    result.replaceChildren(h('p', { role: 'alert', class: 'alarm' }, messageOf(error)))
  }
}
