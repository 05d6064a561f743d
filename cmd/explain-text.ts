import { STATUS_CODES } from 'node:http'
import { join } from 'node:path'
import type { Explained, ExplainedResponse, HeaderPairs } from '../src/plan/explained.ts'
import { changedLine } from '../src/rule-file/propose/diff.ts'
import { visible, visibleLines } from '../src/text/visible.ts'
import { paint } from './paint.ts'

interface ExplanationStyle {
  readonly colour: boolean
  /** Also print the exact response. */
  readonly response: boolean
  /** The rules directory as given on the command line. */
  readonly rules: string
}

/** The explanation as text: the decision first, then what to do about it. */
export function explanationText(explained: Explained, style: ExplanationStyle): string {
  const { decision, reason, text, hint, proposal, notes, preset, request, response, curl, curlWrites } =
    explained
  const what = request.method === 'OPTIONS' ? 'preflight' : 'request'
  const care = curlWrites ? ' (this changes data in the store)' : ''
  const { strong, good, bad } = paint(style.colour)
  const sections = [
    `${decision === 'allow' ? strong(good('allowed')) : strong(bad('denied'))}: ${reason}`,
    visibleLines([text, ...(hint === undefined ? [] : [hint]), ...notes].join('\n')),
    ...(proposal === undefined ? [] : [proposalText(proposal, style)]),
    ...(preset === undefined ? [] : [visibleLines(preset)]),
    visibleLines(`The ${what} with curl${care}:\n\n${indented(curl)}`),
    ...(style.response ? [visibleLines(`The response to the ${what}:${responseText(response)}`)] : []),
  ]
  return `${sections.join('\n\n')}\n`
}

/** Not indented, so that it can be copied into a file or piped to `git apply`. */
function proposalText(
  { file, text, diff }: NonNullable<Explained['proposal']>,
  { rules, colour }: ExplanationStyle,
): string {
  const { strong, good, bad, note } = paint(colour)
  const path = join(rules, file)
  if (diff.startsWith('--- /dev/null'))
    return `This new file, ${visible(path)}, would allow the request:\n\n${visibleLines(text.trimEnd())}`
  const coloured = visibleLines(withPath(diff, file, path).trimEnd())
    .split('\n')
    .map((line) => {
      if (/^(?:---|\+\+\+) /.test(line)) return strong(line)
      if (line.startsWith('@@')) return note(line)
      if (line.startsWith('+')) return good(line)
      return line.startsWith('-') ? bad(line) : line
    })
  return `This change to ${visible(path)}, line ${changedLine(diff)}, would allow the request:\n\n${coloured.join('\n')}`
}

/** Removes the leading slash of an absolute path, because git and patch reject `a//`. */
const withPath = (diff: string, file: string, path: string): string => {
  const name = path.replace(/^\/+/, '')
  return diff.replace(`--- a/${file}`, () => `--- a/${name}`).replace(`+++ b/${file}`, () => `+++ b/${name}`)
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
