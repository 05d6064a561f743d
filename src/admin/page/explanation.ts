/// <reference lib="dom" />
import type { Explained, ExplainedResponse, HeaderPairs } from '../../plan/explained.ts'
import { badge, copyable, copyButton, diffBlock, h } from './dom.ts'
import { showInEditor } from './editor.ts'

/** The reason for a decision, and the change that would allow the request. */
export function whyAndChange(explained: Explained): HTMLElement[] {
  const { text, hint, notes, proposal, preset, curl, curlWrites } = explained
  return [
    h('p', { class: 'why' }, text),
    ...[...(hint === undefined ? [] : [hint]), ...notes, ...caution(explained)].map((words) =>
      h('p', {}, words),
    ),
    ...(proposal === undefined ? [] : [proposalBlock(proposal)]),
    ...(preset === undefined ? [] : [h('p', { class: 'soft' }, preset)]),
    h(
      'p',
      { class: 'actions' },
      copyButton(() => curl, 'the same request as a curl command', 'Copy as cURL'),
      curlWrites
        ? h('span', { class: 'soft' }, 'Careful: this request changes data in the store.')
        : undefined,
    ),
  ]
}

/** Shows the diff; the button copies the whole file. */
function proposalBlock({ file, text, diff }: NonNullable<Explained['proposal']>): HTMLElement {
  const isNew = diff.startsWith('--- /dev/null')
  const edit = h(
    'button',
    { type: 'button', class: 'small', 'aria-label': `Open in editor: ${file}` },
    'Open in editor',
  )
  edit.addEventListener('click', () => showInEditor(file, text))
  const title = isNew ? `A new file ${file} would allow it` : `This change to ${file} would allow it`
  return copyable(title, text, isNew ? undefined : diffBlock(diff), 'Copy file', edit)
}

/** The proposal cannot know which origins to trust. */
const caution = ({ lacks, proposal }: Explained): string[] =>
  lacks?.field === 'allowedOrigins' && proposal !== undefined
    ? ['Allow an origin only if you trust its pages with the data in this bucket.']
    : []

export function answerAndCurl({ response, curl }: Explained): HTMLElement[] {
  const title = response.kind === 'answer' ? 'Response' : 'Changes to the response of the store'
  return [
    copyable(title, answerText(response), h('pre', { tabindex: '0', class: 'wrap' }, answerText(response))),
    copyable('cURL', curl, h('pre', { tabindex: '0', class: 'wrap' }, curl), 'Copy as cURL'),
  ]
}

/** Statuses of responses that the sidecar makes itself. */
const reasonPhrases: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
}

function answerText(response: ExplainedResponse): string {
  if (response.kind === 'answer')
    return `HTTP/1.1 ${response.status} ${reasonPhrases[response.status] ?? ''}\n${lines(response.headers)}\n${response.body}`.trimEnd()
  const { strip, headers, vary } = response
  const parts = [
    ...(strip ? ['Access-Control-* headers of the store are removed'] : []),
    ...(headers.length === 0 ? [] : [lines(headers).trimEnd()]),
    ...(vary.length === 0 ? [] : [`Vary: … ${vary.join(', ')}`]),
  ]
  return parts.length === 0 ? 'None: the response is forwarded unchanged.' : parts.join('\n')
}

const lines = (headers: HeaderPairs): string => headers.map(([name, value]) => `${name}: ${value}\n`).join('')

export function decisionLine({ decision, mode, file, bucket }: Explained): HTMLElement {
  const words = decision === 'allow' ? 'Allowed' : mode === 'report' ? 'Would be refused' : 'Refused'
  return h(
    'p',
    { class: 'actions' },
    badge(decision === 'allow' ? 'good' : 'bad', words),
    h(
      'span',
      { class: 'soft' },
      bucket === undefined ? 'no bucket' : `bucket ${bucket}`,
      file === undefined ? ', no rule file' : `, ${file}`,
    ),
  )
}
