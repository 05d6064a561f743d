import { STATUS_CODES } from 'node:http'
import type { Explained, ExplainedResponse, HeaderPairs } from '../src/plan/explained.ts'
import { visibleLines } from '../src/text/visible.ts'

/** What is explained, for a person, as it is printed. */
export function explanationText({
  decision,
  reason,
  text,
  hint,
  change,
  notes,
  preset,
  request,
  response,
  curl,
  curlWrites,
}: Explained): string {
  const what = request.method === 'OPTIONS' ? 'preflight' : 'request'
  const care = curlWrites ? ', which changes what the store holds' : ''
  const sections = [
    `${decision === 'allow' ? 'allowed' : 'denied'}: ${reason}`,
    [text, ...(hint === undefined ? [] : [hint]), ...notes].join('\n'),
    ...(change === undefined ? [] : [`The smallest change that would allow it:\n\n${indented(change)}`]),
    ...(preset === undefined ? [] : [preset]),
    `The response to the ${what}:${responseText(response)}`,
    `The ${what} by curl${care}:\n\n${indented(curl)}`,
  ]
  return visibleLines(`${sections.join('\n\n')}\n`)
}

function responseText(response: ExplainedResponse): string {
  const lines = headerTexts(response.headers)
  if (response.kind === 'answer') {
    const { status, body } = response
    const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines]
    return `\n\n${indented([...head, ...(body === '' ? [] : ['', body])].join('\n'))}`
  }
  const added = [...(response.vary.length === 0 ? [] : [`Vary: ${response.vary.join(', ')}`]), ...lines]
  const own = response.strip
    ? " the store's own, without its Access-Control-* headers"
    : " the store's own, unchanged"
  return added.length === 0 ? own : `${own}, and with\n\n${indented(added.join('\n'))}`
}

const headerTexts = (headers: HeaderPairs): string[] => headers.map(([name, value]) => `${name}: ${value}`)

const indented = (text: string): string => text.trimEnd().replaceAll(/^(?=.)/gm, '  ')
