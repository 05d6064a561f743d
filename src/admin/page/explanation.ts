/// <reference lib="dom" />
import type { Explained, ExplainedResponse, HeaderPairs } from '../../plan/explained.ts'
import { badge, copyable, diffBlock, h } from './dom.ts'

/** Why a request is decided as it is, and the change that would allow it. */
export function whyAndChange(explained: Explained): HTMLElement[] {
  const { text, hint, notes, proposal, preset } = explained
  return [
    h('p', { class: 'why' }, text),
    ...[...(hint === undefined ? [] : [hint]), ...notes, ...caution(explained)].map((words) =>
      h('p', {}, words),
    ),
    ...(proposal === undefined ? [] : proposalBlocks(proposal)),
    ...(preset === undefined ? [] : [h('p', { class: 'soft' }, preset)]),
  ]
}

/** What is copied is the whole file; what is shown is how it differs. */
function proposalBlocks({ file, text, diff }: NonNullable<Explained['proposal']>): HTMLElement[] {
  if (diff.startsWith('--- /dev/null')) return [copyable(`A new file ${file} would allow it`, text)]
  return [
    copyable(`This change of ${file} would allow it (Copy takes the whole new file)`, text, diffBlock(diff)),
  ]
}

/** What a change would let in is for its author to judge. */
const caution = ({ lacks, proposal }: Explained): string[] =>
  lacks?.field === 'allowedOrigins' && proposal !== undefined
    ? ['Allow an origin only if you trust its pages with what this bucket holds.']
    : []

/** The exact answer, and the line that asks for it. */
export function answerAndCurl(explained: Explained): HTMLElement[] {
  const { response, curl, curlWrites } = explained
  const title = response.kind === 'answer' ? 'The answer' : "What is done to the store's answer"
  return [
    copyable(title, answerText(response), h('pre', { tabindex: '0', class: 'wrap' }, answerText(response))),
    copyable(
      curlWrites
        ? 'The same request by curl (careful: it changes what the store holds)'
        : 'The same request by curl',
      curl,
      h('pre', { tabindex: '0', class: 'wrap' }, curl),
    ),
  ]
}

function answerText(response: ExplainedResponse): string {
  if (response.kind === 'answer')
    return `HTTP/1.1 ${response.status}\n${lines(response.headers)}\n${response.body}`.trimEnd()
  const { strip, headers, vary } = response
  const parts = [
    ...(strip ? ['Access-Control-* of the store: removed'] : []),
    ...(headers.length === 0 ? [] : [lines(headers).trimEnd()]),
    ...(vary.length === 0 ? [] : [`Vary: … ${vary.join(', ')}`]),
  ]
  return parts.length === 0 ? 'nothing: it passes as it is' : parts.join('\n')
}

const lines = (headers: HeaderPairs): string => headers.map(([name, value]) => `${name}: ${value}\n`).join('')

export function verdict({ decision, mode, file, bucket }: Explained): HTMLElement {
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
