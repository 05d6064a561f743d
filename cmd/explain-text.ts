import { STATUS_CODES } from 'node:http'
import { join } from 'node:path'
import { styleText } from 'node:util'
import type { HeaderLines } from '../src/http.ts'
import type { ExplainedRequest, ExplainedResponse } from '../src/plan/explain-request.ts'
import type { Advice, Proposal } from '../src/rule-file/propose/asked.ts'
import { changedLine } from '../src/rule-file/propose/diff.ts'

/** How an explanation is printed. */
export interface ExplanationStyle {
  readonly colour: boolean
  /** The exact response as well. */
  readonly response: boolean
  /** The rules directory, as it was given. */
  readonly rules: string
}

type Colour = 'red' | 'green' | 'cyan' | 'bold'

/** An explanation for a person: the decision first, then what to do about it. */
export function explanationText(
  explained: ExplainedRequest,
  advice: Advice,
  style: ExplanationStyle,
): string {
  const { explanation, notes, preset, request, response, curl, curlWrites } = explained
  const { verdict, reason, text } = explanation
  const hint = hintOf(explained, advice)
  const what = request.method === 'OPTIONS' ? 'preflight' : 'request'
  const care = curlWrites ? ', which changes what the store holds' : ''
  const paint = (colours: readonly Colour[], words: string): string =>
    style.colour ? styleText([...colours], words, { validateStream: false }) : words
  const decision =
    verdict === 'allow' ? paint(['bold', 'green'], 'allowed') : paint(['bold', 'red'], 'denied')
  const sections = [
    `${decision}: ${reason}`,
    printable([text, ...(hint === undefined ? [] : [hint]), ...notes].join('\n')),
    ...(advice.proposal === undefined ? [] : [proposalText(advice.proposal, style, paint)]),
    ...(preset === undefined ? [] : [printable(preset)]),
    printable(`The ${what} by curl${care}:\n\n${indented(curl)}`),
    ...(style.response ? [printable(`The response to the ${what}:${responseText(response)}`)] : []),
  ]
  return `${sections.join('\n\n')}\n`
}

/** What the page has to change says more than what looks alike. */
export const hintOf = ({ explanation }: ExplainedRequest, { hint }: Advice): string | undefined =>
  hint ?? explanation.hint

/** Without indentation, so that it can be copied into a file, or piped to `git apply`. */
function proposalText(
  { file, text, diff }: Proposal,
  { rules }: ExplanationStyle,
  paint: (colours: readonly Colour[], words: string) => string,
): string {
  const path = join(rules, file)
  if (diff.startsWith('--- /dev/null'))
    return `This new file, ${printable(path)}, would allow it:\n\n${printable(text.trimEnd())}`
  const lines = printable(withPath(diff, file, path))
    .trimEnd()
    .split('\n')
  const coloured = lines.map((line) => {
    if (/^(?:---|\+\+\+) /.test(line)) return paint(['bold'], line)
    if (line.startsWith('@@')) return paint(['cyan'], line)
    if (line.startsWith('+')) return paint(['green'], line)
    return line.startsWith('-') ? paint(['red'], line) : line
  })
  return `This change of ${printable(path)}, line ${changedLine(diff)}, would allow it:\n\n${coloured.join('\n')}`
}

const withPath = (diff: string, file: string, path: string): string =>
  diff.replace(`--- a/${file}`, () => `--- a/${path}`).replace(`+++ b/${file}`, () => `+++ b/${path}`)

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

const headerTexts = (lines: HeaderLines): string[] =>
  lines.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${lines[index + 1] ?? ''}`] : []))

const indented = (text: string): string => text.trimEnd().replaceAll(/^(?=.)/gm, '  ')

/** Rule files and flags are shown on a terminal: nothing in them may steer it, nor turn the direction of writing. */
const printable = (text: string): string =>
  text.replaceAll(
    /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
