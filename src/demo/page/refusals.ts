/** Steps 4 and 5: refused and why; change the rule. */
export const refusalsScript = String.raw`import { byId, element, fold, note, verdict } from './dom.js'
import { send, setup, why } from './requests.js'
import { uploadedKey } from './transfers.js'

/** The rule file that would allow what was refused last. */
let proposal

const cases = {
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

const chosen = () => cases[document.querySelector('input[name="case"]:checked').value]()

export async function sendRefused() {
  const { outcome, reason } = await send(chosen())
  byId('refused-result').replaceChildren(browserSide(outcome), sidecarSide(reason))
  proposal = reason.proposal
  showProposal()
}

function browserSide(outcome) {
  return element(
    'div',
    { className: 'side' },
    element('h3', {}, 'What the browser tells the page'),
    verdict(outcome.readable, outcome.readable ? 'status ' + outcome.status : 'refused'),
    outcome.readable ? undefined : element('p', { className: 'error' }, outcome.error),
    note(outcome.readable ? 'The answer can be read.' : 'No status, no header, no reason.'),
  )
}

function sidecarSide(reason) {
  const facts = [
    ['reason', reason.reason],
    ['closest rule', reason.decision === 'deny' ? reason.rule : undefined],
    ['it lacks', reason.lacks && reason.lacks.field + ': ' + reason.lacks.value],
    ['hint', reason.hint],
  ].filter(([, value]) => value)
  return element(
    'div',
    { className: 'side' },
    element('h3', {}, 'What cors-sidecar tells you'),
    verdict(reason.decision === 'allow', reason.decision === 'allow' ? 'allowed' : 'denied'),
    element('p', { className: 'why' }, reason.text),
    element(
      'dl',
      {},
      ...facts.flatMap(([name, value]) => [
        element('dt', {}, name),
        element('dd', {}, element('code', {}, value)),
      ]),
    ),
    ...(reason.proposal
      ? [
          note('This change of ' + reason.proposal.file + ' would allow it:'),
          element('pre', { tabindex: '0' }, reason.proposal.diff),
        ]
      : []),
    fold('The preflight and its answer, word for word', reason.exchange),
    reason.curl ? fold('The same with curl', reason.curl) : undefined,
  )
}

export async function openRules() {
  const { bucket } = chosen()
  byId('rules-name').textContent = bucket + '.yaml'
  byId('rules-text').value = await (await fetch('/rules/' + bucket)).text()
  proposal = undefined
  showProposal()
}

export function showProposal() {
  byId('allow').disabled = !proposal
}

export function applyProposal() {
  if (proposal) byId('rules-text').value = proposal.text
}

/** Replaces a bucket's rule file and waits until the sidecar has taken notice. */
export async function save(bucket, text) {
  const order = { ...chosen(), bucket }
  if (text === (await (await fetch('/rules/' + bucket)).text()))
    return { reason: await why(order), changed: false }
  const before = (await why(order)).file
  const answer = await fetch('/rules/' + bucket, {
    method: 'PUT',
    body: text,
    headers: { 'content-type': 'text/plain' },
  })
  if (!answer.ok) throw new Error(await answer.text())
  return reloaded(order, before, performance.now())
}

/** Five seconds at most: whoever looks at the page should not wait for ever. */
async function reloaded(order, before, start) {
  for (;;) {
    const reason = await why(order)
    const elapsed = Math.round(performance.now() - start)
    const noticed = reason.file?.since !== before?.since || reason.file?.state !== before?.state
    if (noticed || elapsed > 5000) return { reason, changed: true, noticed, elapsed }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export async function saveAndSend() {
  const saved = await save(chosen().bucket, byId('rules-text').value)
  const findings = findingLines(saved.reason.file)
  if (saved.reason.file && saved.reason.file.state !== 'ok') {
    const words = verdict(false, 'not taken over', 'The rules from before stay in force.')
    byId('editor-result').replaceChildren(words, ...findings)
    return
  }
  const { outcome, reason } = await send(chosen())
  const words = outcome.readable ? 'allowed, status ' + outcome.status : 'still refused'
  byId('editor-result').replaceChildren(
    verdict(outcome.readable, words, reloadWords(saved)),
    note(reason.text),
    ...findings,
  )
  if (!outcome.readable) await sendRefused()
}

function findingLines(file) {
  const lines = (file?.findings ?? []).map(({ line, column, severity, code, message }) =>
    [line + ':' + column, severity, code + ':', message].join(' '),
  )
  return lines.length === 0 ? [] : [element('pre', { tabindex: '0' }, lines.join('\n'))]
}

function reloadWords({ changed, noticed, elapsed }) {
  if (!changed) return 'The file was not changed.'
  return noticed
    ? 'The new rules were live after ' + elapsed + ' ms.'
    : 'The sidecar has not read the new file yet.'
}

export async function restore() {
  const { bucket } = chosen()
  await save(bucket, setup.examples[bucket])
  await openRules()
  byId('editor-result').replaceChildren(note('The example is back.'))
}
`
