/// <reference lib="dom" />
import type { RuleEdit } from '../../rule-file/propose/edit-rule.ts'
import type { CheckedFile, EditorFinding, FormRule } from '../shapes.ts'
import { h } from './dom.ts'
import { showFindings } from './field-findings.ts'
import {
  areaFor,
  explain,
  fields,
  inputFor,
  type ListField,
  labelled,
  linesOf,
  markRequired,
  methodField,
  put,
  putLines,
} from './form-fields.ts'
import { createMethodBoxes } from './method-boxes.ts'
import { choose, presetSelect } from './preset-select.ts'

/** An edit of the text, or only a check of it. */
export interface Change {
  readonly edit?: RuleEdit
}

type Rules = NonNullable<CheckedFile['rules']>
type FileOfRules = Pick<CheckedFile, 'file' | 'form'>
interface Card {
  readonly element: HTMLElement
  show(rule: FormRule, findings: readonly EditorFinding[], count: number, file: FileOfRules): void
}

interface RuleCards {
  show(rules: Rules, findings: readonly EditorFinding[], file: FileOfRules): void
  clear(): void
}

/** The form, with a card for each rule. `submit` gets every change; `show` then displays its result. */
export function createRuleCards(place: HTMLElement, submit: (change: Change) => void): RuleCards {
  let cards: Card[] = []
  return {
    show(rules, findings, file) {
      while (cards.length > rules.length) cards.pop()?.element.remove()
      while (cards.length < rules.length) {
        const card = createCard(cards.length, submit)
        cards.push(card)
        place.append(card.element)
      }
      for (const [index, rule] of rules.entries())
        cards[index]?.show(
          rule,
          findings.filter((finding) => finding.rule === index),
          rules.length,
          file,
        )
    },
    clear() {
      cards = []
      place.replaceChildren()
    },
  }
}

function createCard(rule: number, submit: (change: Change) => void): Card {
  const name = `rule-${rule + 1}`
  const setText = (field: 'id' | 'preset' | 'maxAgeSeconds') => (value: string) =>
    submit({ edit: { kind: 'text', rule, field, value: value.trim() } })
  const setList = (field: ListField) => (value: string) =>
    submit({ edit: { kind: 'list', rule, field, values: linesOf(value) } })
  const id = inputFor(name, 'id', setText('id'))
  const preset = presetSelect(name, setText('preset'))
  const age = inputFor(name, 'maxAgeSeconds', setText('maxAgeSeconds'))
  const lists = {
    allowedOrigins: areaFor(name, 'allowedOrigins', setList('allowedOrigins')),
    allowedHeaders: areaFor(name, 'allowedHeaders', setList('allowedHeaders')),
    exposeHeaders: areaFor(name, 'exposeHeaders', setList('exposeHeaders')),
  }
  const boxes = createMethodBoxes((values) =>
    submit({ edit: { kind: 'list', rule, field: 'allowedMethods', values } }),
  )
  const presetField = labelled(name, 'preset', preset)
  const buttons = cardButtons(rule, submit)
  const title = h('legend', {}, `Rule ${rule + 1}`)
  const notes = h('div', { class: 'says wide' })
  const kept = h('p', { class: 'help wide kept' })
  const element = h(
    'fieldset',
    { class: 'rule-card', id: name },
    title,
    h('div', { class: 'actions wide' }, ...buttons.elements),
    labelled(name, 'id', id),
    presetField,
    labelled(name, 'allowedOrigins', lists.allowedOrigins, true),
    methodField(name, boxes.element),
    labelled(name, 'allowedHeaders', lists.allowedHeaders),
    labelled(name, 'exposeHeaders', lists.exposeHeaders),
    labelled(name, 'maxAgeSeconds', age),
    notes,
    kept,
  )
  return {
    element,
    show(shown, findings, count, { file, form }) {
      // The XML of the vendors has no presets.
      presetField.hidden = file.endsWith('.xml')
      for (const field of fields) markRequired(element, name, field, form, shown.preset !== null)
      title.textContent = `Rule ${rule + 1}${shown.id === null ? '' : `: ${shown.id}`}`
      buttons.show(count)
      put(id, shown.id ?? '')
      choose(preset, shown.preset ?? '')
      put(age, shown.maxAgeSeconds ?? '')
      const { fromPreset } = shown
      explain(element, name, 'maxAgeSeconds', fromPreset.maxAgeSeconds)
      explain(element, name, 'allowedHeaders', fromPreset.allowedHeaders?.join(', '))
      explain(element, name, 'exposeHeaders', fromPreset.exposeHeaders?.join(', '))
      for (const field of ['allowedOrigins', 'allowedHeaders', 'exposeHeaders'] as const)
        putLines(lists[field], shown[field] ?? [])
      boxes.show(shown.allowedMethods ?? shown.fromPreset.allowedMethods ?? [], form)
      setKept(kept, shown.others)
      showFindings(element, name, notes, findings)
    },
  }
}

/** Lists the fields of the rule that only the text shows. */
function setKept(place: HTMLElement, others: readonly string[]): void {
  place.textContent = others.length === 0 ? '' : `Also in this rule (edit in the text): ${others.join(', ')}.`
}

function cardButtons(
  rule: number,
  submit: (change: Change) => void,
): { readonly elements: readonly HTMLElement[]; show(count: number): void } {
  const button = (words: string, edit: () => RuleEdit): HTMLButtonElement => {
    const element = h(
      'button',
      { type: 'button', class: 'small', 'aria-label': `${words}: rule ${rule + 1}` },
      words,
    )
    element.addEventListener('click', () => submit({ edit: edit() }))
    return element
  }
  const up = button('Move up', () => ({ kind: 'move', rule, to: rule - 1 }))
  const down = button('Move down', () => ({ kind: 'move', rule, to: rule + 1 }))
  const remove = button('Remove', () => ({ kind: 'remove', rule }))
  return {
    elements: [up, down, remove],
    show(count) {
      up.disabled = rule === 0
      down.disabled = rule === count - 1
    },
  }
}
