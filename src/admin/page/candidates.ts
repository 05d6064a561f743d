/// <reference lib="dom" />
import type { CandidateGroupView, CandidatesView } from '../shapes.ts'
import { ask } from './ask.ts'
import { ago, badge, byId, copyable, h, setText, show, whole } from './dom.ts'
import { findingList } from './findings.ts'
import { reasonWords } from './rates.ts'

const changeWords: Readonly<Record<CandidateGroupView['change'], string>> = {
  allowed: 'would be allowed',
  refused: 'would be refused',
  reason: 'refused for another reason',
  answer: 'other response headers',
  mode: 'report mode would change',
}

let shown = ''

export function showCandidates(configured: boolean): void {
  for (const id of ['candidates', 'candidates-link', 'candidates-json'])
    byId(id, HTMLElement).hidden = !configured
}

export async function refreshCandidates(): Promise<void> {
  if (byId('candidates', HTMLElement).hidden) return
  const view = await ask<CandidatesView>('/-/candidates')
  setText('candidates-directory', view.directory)
  setText('candidates-compared', whole(view.compared))
  setText('candidates-different', whole(view.different))
  setText('candidates-undecided', whole(view.undecided))
  setText('candidates-notes', notes(view))
  const { files, groups } = view
  const current = JSON.stringify([files, groups])
  // Unchanged groups are not rebuilt, so that a selection and the focus stay.
  if (current === shown) return
  shown = current
  show(
    byId('candidates-files', HTMLElement),
    ...files.map(({ file, findings }) => h('div', {}, h('h3', {}, file), findingList(findings))),
  )
  showGroups(groups)
}

function notes({ undecided, settled, lastReload }: CandidatesView): string {
  const parts = [
    undecided === 0 ? '' : 'Not comparable: the candidate rule file of the bucket has an error.',
    settled === 0
      ? ''
      : `${whole(settled)} ${settled === 1 ? 'group is' : 'groups are'} left out, because both sets of rules now decide alike.`,
    lastReload?.failure === undefined ? '' : `The directory cannot be read: ${lastReload.failure}.`,
  ]
  return parts.filter((part) => part !== '').join(' ')
}

function showGroups(groups: readonly CandidateGroupView[]): void {
  const list = byId('candidate-list', HTMLElement)
  const open = new Set(
    [...list.querySelectorAll('details')].filter((element) => element.open).map(({ id }) => id),
  )
  const elements = groups.map((group) => {
    const element = groupElement(group)
    element.open = open.has(element.id)
    return element
  })
  list.replaceChildren(
    ...(elements.length === 0 ? [h('p', { class: 'empty' }, 'No differences so far.')] : elements),
  )
}

function groupElement(group: CandidateGroupView): HTMLDetailsElement {
  const { change, bucket, origin, method, kind, count, overcount, last, live, candidate } = group
  const id = `candidate-${[change, bucket, origin, method, kind, live.reason, candidate.reason].join(' ')}`
  const what = kind === 'preflight' ? `${method ?? '?'} (preflight)` : (method ?? '?')
  return h(
    'details',
    { id },
    h(
      'summary',
      {},
      h('span', { class: 'count' }, `${overcount === 0 ? '' : '≤ '}${whole(count)} ×`),
      h(
        'span',
        { class: 'who' },
        h('code', {}, origin ?? 'no origin'),
        ` → ${bucket ?? 'no bucket'}, ${what}`,
      ),
      badge(change === 'refused' ? 'bad' : change === 'allowed' ? 'good' : 'warn', changeWords[change]),
      h('span', { class: 'when' }, ago(last, Date.now())),
    ),
    h('div', { class: 'body' }, ...bodyOf(group)),
  )
}

function bodyOf({ live, candidate, explanation, example, explain }: CandidateGroupView): HTMLElement[] {
  const side = (
    name: string,
    { decision, reason, rule }: CandidateGroupView['live'],
    text?: string,
  ): HTMLElement =>
    h(
      'p',
      {},
      h('strong', {}, `${name}: `),
      decision === 'deny'
        ? `refused, ${reasonWords[reason]}. `
        : `allowed${rule === undefined ? '' : ` by rule ${rule}`}. `,
      text,
    )
  const request = [
    `${example.host ?? ''}${example.path}`,
    example.requestedHeaders === undefined
      ? ''
      : `Access-Control-Request-Headers: ${example.requestedHeaders}`,
    `Request id: ${example.requestId}`,
  ].filter((line) => line !== '')
  return [
    side('Live rules', live, explanation?.live),
    side('Candidate rules', candidate, explanation?.candidate),
    copyable('Example', request.join('\n'), h('pre', { tabindex: '0', class: 'wrap' }, request.join('\n'))),
    ...(explain === undefined
      ? []
      : [
          copyable(
            'Explain on the command line',
            explain,
            h('pre', { tabindex: '0', class: 'wrap' }, explain),
          ),
        ]),
  ]
}
