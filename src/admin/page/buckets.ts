/// <reference lib="dom" />
import type { FileSummary, Overview, Reloaded, RulesView } from '../shapes.ts'
import { ask, messageOf, post } from './ask.ts'
import { badge, byId, h, setText, show, type Tone, whole } from './dom.ts'
import { openRuleFile } from './editor.ts'
import { findingList } from './findings.ts'
import { clock } from './store.ts'

const stateTone: Readonly<Record<FileSummary['state'], Tone>> = { ok: 'good', stale: 'warn', invalid: 'bad' }
const stateWords: Readonly<Record<FileSummary['state'], string>> = {
  ok: 'ok',
  stale: 'error: last good rules are served',
  invalid: 'error: no rules are served',
}

interface Entry {
  readonly bucket: string
  readonly element: HTMLDetailsElement
  made: string
}

const entries = new Map<string, Entry>()

export function refreshBuckets({ files, filesFound, filesFrom, generation }: Overview): void {
  const list = byId('bucket-list', HTMLElement)
  const kept = new Set(files.map(({ file }) => file))
  for (const file of entries.keys()) if (!kept.has(file)) entries.delete(file)
  if (files.length === 0) {
    show(
      list,
      h(
        'p',
        { class: 'empty' },
        filesFound === 0 && find() !== '' ? 'No bucket matches.' : 'There are no rule files.',
      ),
    )
  } else {
    const elements = files.map((file) => elementOf(file, generation))
    if (elements.some((element, index) => list.children[index] !== element)) list.replaceChildren(...elements)
    while (list.children.length > elements.length) list.lastElementChild?.remove()
  }
  showPages(filesFound, filesFrom, files.length)
  const names = byId('bucket-names', HTMLDataListElement)
  show(
    names,
    ...files
      .filter(({ bucket }) => !bucket.startsWith('_'))
      .map(({ bucket }) => h('option', { value: bucket })),
  )
}

const find = (): string => byId('find', HTMLInputElement).value.trim()

function showPages(found: number, from: number, shown: number): void {
  byId('bucket-pages', HTMLElement).hidden = shown === found
  setText('bucket-more', `${whole(from + 1)} to ${whole(from + shown)} of ${whole(found)}`)
  byId('bucket-previous', HTMLButtonElement).disabled = from === 0
  byId('bucket-next', HTMLButtonElement).disabled = from + shown >= found
}

function elementOf(file: FileSummary, generation: number): HTMLDetailsElement {
  let entry = entries.get(file.file)
  if (entry === undefined) {
    const element = h('details', {}, h('summary'), h('div', { class: 'body' }))
    element.open = file.state !== 'ok'
    entry = { bucket: file.bucket, element, made: '' }
    entries.set(file.file, entry)
    element.addEventListener('toggle', () => {
      if (element.open) void fillRules(element, file.bucket)
    })
  }
  const [summary, body] = entry.element.children
  if (summary instanceof HTMLElement) show(summary, ...summaryOf(file))
  const made = JSON.stringify([file, generation])
  if (made !== entry.made && body instanceof HTMLElement) {
    entry.made = made
    body.replaceChildren(findingList(file.findings), h('div', { class: 'rules' }), editButton(file.bucket))
    if (entry.element.open) void fillRules(entry.element, file.bucket)
  }
  return entry.element
}

function summaryOf({
  bucket,
  file,
  state,
  since,
  findings,
  rules,
  dialect,
  mode,
}: FileSummary): HTMLElement[] {
  const warnings = findings.filter(({ severity }) => severity === 'warning').length
  return [
    h('span', { class: 'who' }, h('strong', {}, bucket), h('span', { class: 'soft' }, ` ${file}`)),
    badge(stateTone[state], stateWords[state]),
    ...(warnings > 0 && state === 'ok' ? [badge('warn', plural(warnings, 'warning'))] : []),
    ...(mode === 'report' ? [badge('plain', 'report mode')] : []),
    h('span', { class: 'when' }, `${plural(rules, 'rule')} · ${dialect ?? ''} · since ${clock(since)}`),
  ]
}

const plural = (count: number, word: string): string => `${whole(count)} ${word}${count === 1 ? '' : 's'}`

async function fillRules(element: HTMLDetailsElement, bucket: string): Promise<void> {
  const place = element.querySelector('.rules')
  if (!(place instanceof HTMLElement)) return
  try {
    const { files } = await ask<RulesView>(`/-/rules?bucket=${encodeURIComponent(bucket)}`)
    const rules = files[0]?.rules ?? []
    show(
      place,
      rules.length === 0 ? h('p', { class: 'soft' }, 'No rules are served.') : ruleTable(bucket, rules),
    )
  } catch (error) {
    show(place, h('p', {}, messageOf(error)))
  }
}

function editButton(bucket: string): HTMLElement {
  const button = h('button', { type: 'button', 'aria-label': `Edit rules of ${bucket}` }, 'Edit rules')
  button.addEventListener('click', () => void openRuleFile(bucket))
  return h('p', { class: 'actions' }, button)
}

function ruleTable(bucket: string, rules: RulesView['files'][number]['rules']): HTMLElement {
  const list = (values: readonly string[]): HTMLElement =>
    h('td', {}, ...values.map((value) => h('code', { class: 'entry' }, value)))
  const heads = ['Rule', 'Origins', 'Methods', 'Headers', 'Exposed', 'Max-age']
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Rules of ${bucket}` },
    h(
      'table',
      { class: 'rule-table' },
      h('thead', {}, h('tr', {}, ...heads.map((words) => h('th', { scope: 'col' }, words)))),
      h(
        'tbody',
        {},
        ...rules.map((rule, index) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, rule.id ?? String(index + 1)),
            list(rule.allowedOrigins),
            list(rule.allowedMethods),
            list(rule.allowedHeaders),
            list(rule.exposeHeaders),
            h('td', {}, rule.maxAgeSeconds === undefined ? '' : `${rule.maxAgeSeconds} s`),
          ),
        ),
      ),
    ),
  )
}

/** Filters the list to one bucket and opens it. */
export async function showBucket(bucket: string, refresh: () => Promise<void>): Promise<void> {
  byId('find', HTMLInputElement).value = bucket
  await refresh()
  const entry = [...entries.values()].find(({ bucket: name }) => name === bucket)
  if (entry !== undefined) entry.element.open = true
  entry?.element.querySelector('summary')?.focus({ preventScroll: true })
}

/** The button that loads the rules directory again. `refresh` shows the result. */
export function prepareReload(refresh: () => Promise<void>): void {
  const words: Readonly<Record<string, string>> = {
    applied: 'The changes are live.',
    unchanged: 'Up to date: nothing has changed in the rules directory.',
  }
  byId('reload', HTMLButtonElement).addEventListener('click', async () => {
    try {
      const { result, states } = await post<Reloaded>('/-/reload')
      const failed = result === 'applied' ? states.stale + states.invalid : 0
      const except = failed === 0 ? '' : ' Files with an error were not loaded; see below.'
      setText('reload-result', `${words[result] ?? result}${except}`)
    } catch (error) {
      setText('reload-result', messageOf(error))
    }
    await refresh()
  })
}
