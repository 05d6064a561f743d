/// <reference lib="dom" />
import type { CheckedFile } from '../shapes.ts'
import { h } from './dom.ts'

const methods = ['PUT', 'GET', 'POST', 'DELETE', 'HEAD'] as const

interface MethodBoxes {
  readonly element: HTMLElement
  show(chosen: readonly string[], form: CheckedFile['form']): void
}

/**
 * A box for each common method and for every other method in the file, so that a change to one box keeps the others. In
 * the http dialect, more methods can be added by name.
 */
export function createMethodBoxes(onChange: (values: string[]) => void): MethodBoxes {
  const element = h('div', { class: 'boxes' })
  const boxes: HTMLInputElement[] = []
  let inFile: readonly string[] = []
  const isChecked = (method: string): boolean =>
    boxes.some(({ value, checked }) => checked && value === method)
  const add = (value: string): void => {
    const box = h('input', { type: 'checkbox', name: 'allowedMethods', value })
    box.addEventListener('change', () => {
      const added = boxes.map((one) => one.value).filter((method) => !inFile.includes(method))
      // In the order of the file, so that the diff shows only the new method.
      onChange([...inFile, ...added].filter(isChecked))
    })
    boxes.push(box)
    const label = h('label', { class: 'check' }, box, ` ${value}`)
    element.insertBefore(label, element.querySelector('.other'))
  }
  for (const method of methods) add(method)
  const other = otherMethod((value) => onChange([...inFile.filter((method) => method !== value), value]))
  element.append(other)
  return {
    element,
    show(chosen, form) {
      inFile = chosen
      other.hidden = !form.otherMethods
      for (const method of chosen) if (!boxes.some(({ value }) => value === method)) add(method)
      for (const box of boxes) box.checked = chosen.includes(box.value)
    },
  }
}

/** For the methods of WebDAV and tus, for example PROPFIND and PATCH. */
function otherMethod(onChange: (method: string) => void): HTMLElement {
  const input = h('input', {
    'aria-label': 'Another method',
    placeholder: 'PATCH',
    autocomplete: 'off',
    spellcheck: 'false',
    size: '12',
  })
  const button = h('button', { type: 'button', class: 'small' }, 'Add method')
  const submit = (): void => {
    const method = input.value.trim().toUpperCase()
    input.value = ''
    if (method !== '') onChange(method)
  }
  button.addEventListener('click', submit)
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') submit()
  })
  return h('span', { class: 'other', hidden: '' }, input, button)
}
