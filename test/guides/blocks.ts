/** A fenced block of a document. Its kind is in the info string, which readers of the page do not see. */
export type Block = { readonly text: string } & (
  | {
      readonly kind: 'commands'
      readonly exit: number
      readonly expected: Lines
      /** The last background program is stopped first, as a reader does with Ctrl+C. */
      readonly stop: boolean
    }
  | { readonly kind: 'background'; readonly expected: Lines }
  | { readonly kind: 'file'; readonly path: string; readonly append: boolean }
  | { readonly kind: 'page'; readonly expected: Lines }
  | { readonly kind: 'other' }
)

export type Lines = readonly string[]

/** The blocks in order. A `text` block after commands is their output. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = []
  for (const [, info = '', text = ''] of markdown.matchAll(/^ *```(.*)\n([\s\S]*?)^ *```$/gm)) {
    const last = blocks.at(-1)
    const expected = text.trimEnd().split('\n')
    if (info === 'text page') blocks.push({ kind: 'page', text, expected })
    else if (info === 'text' && (last?.kind === 'commands' || last?.kind === 'background'))
      blocks[blocks.length - 1] = { ...last, expected }
    else blocks.push(blockOf(info, text))
  }
  return blocks
}

function blockOf(info: string, text: string): Block {
  const attribute = (name: string): string | undefined => new RegExp(`\\b${name}=(\\S+)`).exec(info)?.[1]
  const path = attribute('file') ?? attribute('append')
  if (path !== undefined) return { kind: 'file', text, path, append: attribute('append') !== undefined }
  if (!/^sh\b/.test(info)) return { kind: 'other', text }
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
