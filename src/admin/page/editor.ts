/// <reference lib="dom" />
import type { RuleEdit } from '../../rule-file/propose/edit-rule.ts'
import type { CheckedFile, RuleText } from '../shapes.ts'
import { ask, messageOf, post } from './ask.ts'
import { byId, control, copyable, copyButton, diffBlock, h, setText, show } from './dom.ts'
import { type Change, createRuleCards } from './editor-form.ts'
import { findingList } from './findings.ts'

const text = byId('rule-text', HTMLTextAreaElement)
const openForm = byId('open-form', HTMLFormElement)
const cards = createRuleCards(byId('rule-cards', HTMLElement), (change) => submit(change))

let file = ''
/** Counts changes of the text, so that a response about an older text does not overwrite it. */
let version = 0
/** Checks run one after the other, because each edit applies to the result of the one before. */
let queue: Promise<void> = Promise.resolve()

/** Form and text are two views of one text; the server applies the edits of the form to it. */
export function prepareEditor(): void {
  openForm.addEventListener('submit', (event) => {
    event.preventDefault()
    void openRuleFile(bucketName())
  })
  byId('new-file', HTMLButtonElement).addEventListener('click', newFile)
  byId('add-rule', HTMLButtonElement).addEventListener('click', () => submit({ edit: { kind: 'add' } }))
  byId('rule-copy', HTMLElement).append(
    copyButton(() => text.value, 'the whole file', 'Copy file'),
    downloadButton(),
  )
  let timer: ReturnType<typeof setTimeout> | undefined
  text.addEventListener('input', () => {
    version++
    clearTimeout(timer)
    timer = setTimeout(() => submit({}), 200)
  })
}

const bucketName = (): string => control(openForm, 'bucket', HTMLInputElement).value.trim()

export async function openRuleFile(bucket: string): Promise<void> {
  control(openForm, 'bucket', HTMLInputElement).value = bucket
  if (bucket === '') return setText('open-result', 'Enter the bucket first.')
  try {
    const opened = await ask<RuleText>(`/-/file?bucket=${encodeURIComponent(bucket)}`)
    setText('open-result', '')
    showFile(opened.file, opened.text)
  } catch (error) {
    setText('open-result', messageOf(error))
  }
}

function newFile(): void {
  const bucket = bucketName()
  setText('open-result', bucket === '' ? 'Enter the bucket first.' : '')
  if (bucket !== '') showFile(`${bucket}.yaml`, newRules)
}

const newRules = 'rules:\n  - allowedOrigins: []\n    allowedMethods: [GET, HEAD]\n    maxAgeSeconds: 600\n'

/** Opens `content` in the editor and scrolls to it. */
export function showInEditor(name: string, content: string): void {
  control(openForm, 'bucket', HTMLInputElement).value = name.replace(/\.[a-z]+$/, '')
  showFile(name, content)
}

function showFile(name: string, content: string): void {
  file = name
  version++
  text.value = content
  cards.clear()
  byId('editor', HTMLElement).hidden = false
  setText('rule-file', name)
  byId('rule', HTMLElement).scrollIntoView()
  submit({})
  text.focus({ preventScroll: true })
  text.setSelectionRange(0, 0)
}

/** Checks the text, after applying the edit of the form if there is one. */
function submit({ edit }: Change): void {
  const edited = file
  queue = queue.then(() => check(edited, edit)).catch((error: unknown) => showResult('bad', messageOf(error)))
}

/** Does nothing once another file is open. */
async function check(edited: string, edit: RuleEdit | undefined): Promise<void> {
  if (edited !== file) return
  const sent = version
  const checked = await post<CheckedFile>('/-/check', { file, text: text.value, edit })
  // The text has changed meanwhile. Its own check follows, but the edit of the form would be lost.
  if (sent !== version) return edit === undefined ? undefined : check(edited, edit)
  if (checked.text !== text.value) text.value = checked.text
  showChecked(checked)
}

function showChecked(checked: CheckedFile): void {
  const { rules, others, findings, isNew, diff } = checked
  showResultOn(checked)
  // Findings of the form have no position in the text.
  show(
    byId('rule-findings', HTMLElement),
    findingList(
      findings.filter(({ line, code }) => !(line === 1 && code.startsWith('form-'))),
      goTo,
    ),
  )
  byId('add-rule', HTMLButtonElement).disabled = rules === undefined
  setText('editor-note', note(rules, others))
  if (rules !== undefined) cards.show(rules, findings, checked)
  else cards.clear()
  const title = isNew ? `New file ${file}` : `Changes to ${file}`
  const unchanged = h('p', { class: 'soft' }, `No changes: equal to ${file} in the rules directory.`)
  show(
    byId('rule-diff', HTMLElement),
    diff === '' ? unchanged : copyable(title, diff, diffBlock(diff), 'Copy diff'),
  )
}

function showResultOn({ findings, refused }: CheckedFile): void {
  const counted = (severity: string, byForm: boolean): number =>
    findings.filter((one) => one.severity === severity && (one.byForm ?? false) === byForm).length
  const [errors, warnings, ofForm] = [
    counted('error', false),
    counted('warning', false),
    counted('error', true),
  ]
  if (refused !== undefined) showResult('bad', refused)
  else if (errors > 0) showResult('bad', `Not valid yet: ${count(errors, 'error')}.`)
  else if (ofForm > 0) showResult('bad', `Valid, but the COS console would refuse ${count(ofForm, 'value')}.`)
  else showResult('good', warnings === 0 ? 'Valid.' : `Valid, with ${count(warnings, 'warning')}.`)
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

function note(rules: CheckedFile['rules'], others: readonly string[]): string {
  if (rules === undefined) return 'The text is not a valid list of rules: correct it to use the form.'
  return others.length === 0 ? '' : `Also in this file (edit in the text): ${others.join(', ')}.`
}

function showResult(tone: 'good' | 'bad', words: string): void {
  setText('rule-verdict', words)
  byId('rule-verdict', HTMLElement).className = tone
}

/** Moves the cursor to a finding. */
function goTo(line: number, column: number): void {
  const before = text.value.split('\n').slice(0, line - 1)
  const at = before.reduce((sum, { length }) => sum + length + 1, column - 1)
  text.focus()
  text.setSelectionRange(at, at)
}

function downloadButton(): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'small' }, 'Download')
  button.addEventListener('click', () => {
    const address = URL.createObjectURL(new Blob([text.value], { type: 'text/plain' }))
    h('a', { href: address, download: file }).click()
    setTimeout(() => URL.revokeObjectURL(address), 10_000)
  })
  return button
}
