/// <reference lib="dom" />
/** Step 4, a refused request and the reason, and step 5, a change of the rule. */

import { byId, copyable, diffBlock, h } from '../../admin/page/dom.ts'
import type { DemoBucket } from '../example-data.ts'
import type { ShownExplanation } from '../sidecar-view.ts'
import { fold, note, resultLine, wrapped } from './dom.ts'
import { type Order, type Outcome, send, setup, why } from './requests.ts'
import { uploadedKey } from './transfers.ts'

/** The change that would allow the last refused request. */
let proposal: ShownExplanation['proposal']

const cases: Readonly<Record<string, () => Order>> = {
  method: () => ({
    method: 'PUT',
    bucket: 'reports',
    key: 'q3.csv',
    headers: { 'content-type': 'text/csv' },
    body: 'a,b\n1,2\n',
  }),
  delete: () => ({ method: 'DELETE', bucket: 'photos', key: uploadedKey }),
  header: () => ({
    method: 'PUT',
    bucket: 'photos',
    key: 'hello.txt',
    headers: { 'content-type': 'text/plain', 'x-secret': '1' },
    body: 'hello',
  }),
}

function chosen(): Order {
  const name = String(new FormData(byId('refused', HTMLFormElement)).get('case'))
  const order = cases[name]
  if (order === undefined) throw new Error(`the page has no case ${name}`)
  return order()
}

export async function sendRefused(): Promise<void> {
  const { outcome, reason } = await send(chosen())
  byId('refused-result').replaceChildren(browserSide(outcome), sidecarSide(reason))
  proposal = reason.proposal
  showProposal()
}

function browserSide(outcome: Outcome): HTMLElement {
  return h(
    'div',
    { class: 'side' },
    h('h3', {}, 'What the page learns from the browser'),
    resultLine(outcome.readable, outcome.readable ? `status ${outcome.status}` : 'refused'),
    outcome.readable ? undefined : h('p', { class: 'error' }, outcome.error),
    note(outcome.readable ? 'The page can read the response.' : 'No status, no header, no reason.'),
  )
}

function sidecarSide(reason: ShownExplanation): HTMLElement {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['reason', reason.reason],
    ['closest rule', reason.decision === 'deny' ? reason.rule : undefined],
    ['missing', reason.lacks && `${reason.lacks.field}: ${reason.lacks.value}`],
    ['hint', reason.hint],
  ]
  return h(
    'div',
    { class: 'side' },
    h('h3', {}, 'What you learn from cors-sidecar'),
    resultLine(reason.decision === 'allow', reason.decision === 'allow' ? 'allowed' : 'denied'),
    h('p', { class: 'why' }, reason.text),
    h(
      'dl',
      {},
      ...facts.flatMap(([name, value]) =>
        value === undefined ? [] : [h('dt', {}, name), h('dd', {}, h('code', {}, value))],
      ),
    ),
    ...(reason.proposal
      ? [
          copyable(
            `This change to ${reason.proposal.file} would allow it`,
            reason.proposal.text,
            diffBlock(reason.proposal.diff),
            'Copy file',
          ),
        ]
      : []),
    fold('Preflight and response', reason.exchange),
    copyable('cURL', reason.curl, wrapped(reason.curl), 'Copy as cURL'),
  )
}

export async function openRules(): Promise<void> {
  const { bucket } = chosen()
  byId('rules-name').textContent = `${bucket}.yaml`
  byId('rules-text', HTMLTextAreaElement).value = await (await fetch(`/rules/${bucket}`)).text()
  byId('editor-result').replaceChildren()
  proposal = undefined
  showProposal()
}

export function showProposal(): void {
  byId('allow', HTMLButtonElement).disabled = proposal === undefined
}

export function applyProposal(): void {
  if (proposal === undefined) return
  const { file, text, diff } = proposal
  byId('rules-text', HTMLTextAreaElement).value = text
  byId('editor-result').replaceChildren(
    note(`Inserted into ${file} above, not saved yet. The changes:`),
    diffBlock(diff),
  )
}

/** Result of saving a rule file. */
interface Saved {
  readonly reason: ShownExplanation
  readonly changed: boolean
  readonly noticed?: boolean
  /** Milliseconds. */
  readonly elapsed?: number
}

/** Replaces a bucket's rule file and waits until the sidecar has read it. */
export async function save(bucket: DemoBucket, text: string): Promise<Saved> {
  const order = { ...chosen(), bucket }
  if (text === (await (await fetch(`/rules/${bucket}`)).text()))
    return { reason: await why(order), changed: false }
  const before = (await why(order)).file
  const answer = await fetch(`/rules/${bucket}`, {
    method: 'PUT',
    body: text,
    headers: { 'content-type': 'text/plain' },
  })
  if (!answer.ok) throw new Error(await answer.text())
  return reloaded(order, before, performance.now())
}

/** Waits about 15 seconds at most: on a busy machine, the process that reads the file can take seconds to start. */
async function reloaded(order: Order, before: ShownExplanation['file'], start: number): Promise<Saved> {
  for (;;) {
    const reason = await why(order)
    const elapsed = Math.round(performance.now() - start)
    const noticed = reason.file?.since !== before?.since || reason.file?.state !== before?.state
    if (noticed || elapsed > 15_000) return { reason, changed: true, noticed, elapsed }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export async function saveAndSend(): Promise<void> {
  const saved = await save(chosen().bucket, byId('rules-text', HTMLTextAreaElement).value)
  const findings = findingLines(saved.reason.file)
  if (saved.reason.file && saved.reason.file.state !== 'ok') {
    const words = resultLine(false, 'not loaded', 'The rules from before stay in use.')
    byId('editor-result').replaceChildren(words, ...findings)
    return
  }
  const { outcome, reason } = await send(chosen())
  const words = outcome.readable ? `allowed, status ${outcome.status}` : 'still refused'
  byId('editor-result').replaceChildren(
    resultLine(outcome.readable, words, reloadWords(saved)),
    note(reason.text),
    ...findings,
  )
  if (!outcome.readable) await sendRefused()
}

function findingLines(file: ShownExplanation['file']): HTMLElement[] {
  const lines = (file?.findings ?? []).map(
    ({ line, column, severity, code, message }) => `${line}:${column} ${severity} ${code}: ${message}`,
  )
  return lines.length === 0 ? [] : [wrapped(lines.join('\n'))]
}

function reloadWords({ changed, noticed, elapsed }: Saved): string {
  if (!changed) return 'The file has not changed.'
  return noticed
    ? `The new rules were live after ${elapsed} ms.`
    : 'The sidecar has not read the new file yet.'
}

export async function restore(): Promise<void> {
  const { bucket } = chosen()
  await save(bucket, setup.examples[bucket])
  await openRules()
  byId('editor-result').replaceChildren(note(`${bucket}.yaml is the example again, and live.`))
}
