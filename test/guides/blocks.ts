/** A fenced block of a document. Its kind is in the info string, which readers of the page do not see. */
export type Block =
  | {
      readonly kind: 'commands'
      readonly text: string
      readonly exit: number
      readonly expected: Lines
      /** The last background program is stopped first, as a reader does with Ctrl+C. */
      readonly stop: boolean
    }
  | { readonly kind: 'background'; readonly text: string; readonly expected: Lines }
  | { readonly kind: 'file'; readonly text: string; readonly path: string; readonly append: boolean }
  | { readonly kind: 'page'; readonly text: string; readonly expected: Lines }
  | { readonly kind: 'not run'; readonly text: string; readonly reason: string }
  /** `npm run test:kubernetes` performs it. */
  | { readonly kind: 'in a cluster'; readonly text: string; readonly block: Block }

export type Lines = readonly string[]

const excerpt = 'an excerpt, to read'

/** The blocks in order. A `text` block after commands is their output. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = []
  for (const [, info = '', text = ''] of markdown.matchAll(/^ *```(.*)\n([\s\S]*?)^ *```$/gm)) {
    const last = blocks.at(-1)
    const expected = text.trimEnd().split('\n')
    const shown = last === undefined ? undefined : withOutput(last, expected)
    if (info === 'text page') blocks.push({ kind: 'page', text, expected })
    else if (info === 'text' && shown !== undefined) blocks[blocks.length - 1] = shown
    else blocks.push(blockOf(info, text))
  }
  return blocks
}

/** `undefined` for a block that prints nothing. The output of commands that are not run is not compared. */
function withOutput(block: Block, expected: Lines): Block | undefined {
  if (block.kind === 'commands' || block.kind === 'background') return { ...block, expected }
  if (block.kind === 'not run') return block.reason === excerpt ? undefined : block
  if (block.kind !== 'in a cluster') return undefined
  const shown = withOutput(block.block, expected)
  return shown === undefined ? undefined : { ...block, block: shown }
}

function blockOf(info: string, text: string): Block {
  const [language = '', place, ...others] = info.split(' ')
  if (place === 'cluster')
    return { kind: 'in a cluster', text, block: blockOf([language, ...others].join(' '), text) }
  const attribute = (name: string): string | undefined =>
    new RegExp(`\\b${name}=(?:"([^"]*)"|(\\S+))`)
      .exec(info)
      ?.slice(1)
      .find((value) => value !== undefined)
  const path = attribute('file') ?? attribute('append')
  if (path !== undefined) return { kind: 'file', text, path, append: attribute('append') !== undefined }
  const reason = attribute('not-run') ?? (language === 'sh' ? undefined : excerpt)
  if (reason !== undefined) return { kind: 'not run', text, reason }
  if (info.includes(' background')) return { kind: 'background', text, expected: [] }
  const exit = Number(attribute('exit') ?? 0)
  return { kind: 'commands', text, exit, expected: [], stop: info.includes(' stop') }
}

/** The first expected line that is missing from `output`, in order; `…` stands for any text. */
export function missingLine(expected: Lines, output: string): string | undefined {
  let rest = output
  for (const line of expected) {
    const pattern = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    const found = new RegExp(pattern.join('.*')).exec(rest)
    if (found === null) return line
    rest = rest.slice(found.index + found[0].length)
  }
  return undefined
}
