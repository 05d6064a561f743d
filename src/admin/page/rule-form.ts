/// <reference lib="dom" />
import type { CorsRule } from '../../cors/rule.ts'
import type { CheckedForm, FormFinding, RuleForm } from '../shapes.ts'
import { ask, messageOf, post } from './ask.ts'
import { byId, control, copyButton, h, setText, show } from './dom.ts'
import { findingList } from './findings.ts'

const textFields = [
  'bucket',
  'id',
  'allowedOrigins',
  'allowedHeaders',
  'exposeHeaders',
  'maxAgeSeconds',
] as const
const fields = [...textFields, 'allowedMethods'] as const

let checked: CheckedForm | undefined
let asked = 0

/** Fields that somebody has written in: what is still to come is not told of as a mistake. */
const touched = new Set<string>()

/** The form that makes a rule file and checks it while one types. */
export function prepareRuleForm(): void {
  const form = byId('rule-form', HTMLFormElement)
  for (const name of fields) addSays(form, name)
  byId('rule-copy', HTMLElement).append(copyButton(() => checked?.yaml ?? '', 'the rule file'))
  let timer: ReturnType<typeof setTimeout> | undefined
  form.addEventListener('input', ({ target }) => {
    if (target instanceof HTMLElement) touched.add(target.getAttribute('name') ?? '')
    clearTimeout(timer)
    timer = setTimeout(check, 200)
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    check()
  })
  preparePresets(form)
  check()
}

/** Where the findings of a field are told. */
function addSays(form: HTMLFormElement, name: (typeof fields)[number]): void {
  const says = h('div', { id: `rule-${name}-says`, class: 'says wide' })
  const element = form.elements.namedItem(name)
  const first = element instanceof RadioNodeList ? element[0] : element
  if (!(first instanceof HTMLElement)) throw new Error(`the form has no ${name}`)
  const place = name === 'allowedMethods' ? first.closest('fieldset') : first.closest('label')
  place?.append(says)
}

type Preset = Pick<CorsRule, 'allowedMethods' | 'allowedHeaders' | 'exposeHeaders' | 'maxAgeSeconds'> & {
  readonly purpose: string
}

async function preparePresets(form: HTMLFormElement): Promise<void> {
  const select = control(form, 'preset', HTMLSelectElement)
  const presets = await ask<Readonly<Record<string, Preset>>>('/-/presets').catch(() => ({}))
  const byName = new Map<string, Preset>(Object.entries(presets))
  select.append(
    ...[...byName].map(([name, { purpose }]) => h('option', { value: name }, `${name}: ${purpose}`)),
  )
  select.addEventListener('change', () => {
    const preset = byName.get(select.value)
    if (preset !== undefined) fillFields(form, preset)
    check()
  })
}

function fillFields(form: HTMLFormElement, rule: Partial<CorsRule>): void {
  const write = (name: (typeof textFields)[number], value: string): void => {
    const element = form.elements.namedItem(name)
    if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) element.value = value
  }
  if (rule.allowedOrigins !== undefined) write('allowedOrigins', rule.allowedOrigins.join('\n'))
  write('allowedHeaders', (rule.allowedHeaders ?? []).join('\n'))
  write('exposeHeaders', (rule.exposeHeaders ?? []).join('\n'))
  write('maxAgeSeconds', rule.maxAgeSeconds === undefined ? '' : String(rule.maxAgeSeconds))
  for (const box of methodBoxes(form))
    box.checked = (rule.allowedMethods ?? []).some((method) => method === box.value)
}

const methodBoxes = (form: HTMLFormElement): HTMLInputElement[] => [
  ...form.querySelectorAll<HTMLInputElement>('input[name="allowedMethods"]'),
]

/** Puts a rule that is served into the form. */
export function fillRule(bucket: string, rule: CorsRule): void {
  const form = byId('rule-form', HTMLFormElement)
  control(form, 'bucket', HTMLInputElement).value = bucket
  control(form, 'id', HTMLInputElement).value = rule.id ?? ''
  fillFields(form, rule)
  for (const name of fields) touched.add(name)
  check()
  location.hash = '#rule'
  control(form, 'allowedOrigins', HTMLTextAreaElement).focus()
}

function readForm(form: HTMLFormElement): RuleForm {
  const typed = new FormData(form)
  const text = (name: keyof RuleForm): string => String(typed.get(name) ?? '').trim()
  const list = (name: keyof RuleForm): string[] =>
    text(name)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  return {
    bucket: text('bucket'),
    id: text('id'),
    allowedOrigins: list('allowedOrigins'),
    allowedMethods: typed.getAll('allowedMethods').map(String),
    allowedHeaders: list('allowedHeaders'),
    exposeHeaders: list('exposeHeaders'),
    maxAgeSeconds: text('maxAgeSeconds'),
  }
}

async function check(): Promise<void> {
  const form = byId('rule-form', HTMLFormElement)
  const turn = ++asked
  try {
    const answer = await post<CheckedForm>('/-/check', readForm(form))
    // A later question may have been answered already.
    if (turn !== asked) return
    checked = answer
    showChecked(form, answer)
  } catch (error) {
    if (turn === asked) show(byId('rule-findings', HTMLElement), h('p', { class: 'alarm' }, messageOf(error)))
  }
}

function showChecked(form: HTMLFormElement, { file, yaml, findings }: CheckedForm): void {
  setText('rule-file', file)
  setText('rule-yaml', yaml)
  for (const name of fields)
    showSays(form, name, touched.has(name) ? findings.filter(({ field }) => field === name) : [])
  const rest = findings.filter(({ field }) => field === undefined)
  const errors = findings.some(({ severity }) => severity === 'error')
  const words =
    touched.size === 0
      ? 'Fill in the form: this becomes the file to commit.'
      : errors
        ? 'Not yet a file that would be loaded.'
        : findings.length > 0
          ? 'This file would be loaded; see what is said about it.'
          : 'This file would be loaded, and there is nothing to say against it.'
  show(byId('rule-findings', HTMLElement), h('p', { class: 'soft' }, words), findingList(rest))
}

function showSays(
  form: HTMLFormElement,
  name: (typeof fields)[number],
  findings: readonly FormFinding[],
): void {
  const says = byId(`rule-${name}-says`, HTMLElement)
  show(
    says,
    ...findings.map(({ severity, message, entry }) =>
      h(
        'p',
        { class: `says-${severity}` },
        `${severity === 'error' ? '✗' : severity === 'warning' ? '▲' : 'ℹ'} ${entry === undefined ? '' : `Line ${entry}: `}${message}`,
      ),
    ),
  )
  const invalid = findings.some(({ severity }) => severity === 'error')
  const element = form.elements.namedItem(name)
  if (element instanceof HTMLElement) element.setAttribute('aria-invalid', String(invalid))
}
