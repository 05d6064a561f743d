/** A fenced block of a guide. Its kind is in the info string, which readers of the page do not see. */
export type Block =
  | { readonly kind: 'commands'; readonly text: string; readonly exit: number; readonly expected: Lines }
  | { readonly kind: 'background'; readonly text: string; readonly expected: Lines }
  | { readonly kind: 'file'; readonly text: string; readonly path: string }
  | { readonly kind: 'page'; readonly expected: Lines }
  | { readonly kind: 'not run'; readonly text: string; readonly reason: string }

export type Lines = readonly string[]

/** The blocks in order. A `text` block after commands is their output. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = []
  for (const [, info = '', text = ''] of markdown.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)) {
    const last = blocks.at(-1)
    const lines = text.trimEnd().split('\n')
    if (info === 'text page') blocks.push({ kind: 'page', expected: lines })
    else if (info === 'text') {
      if (last?.kind === 'commands' || last?.kind === 'background')
        blocks[blocks.length - 1] = { ...last, expected: lines }
    } else blocks.push(blockOf(info, text))
  }
  return blocks
}

function blockOf(info: string, text: string): Block {
  const attribute = (name: string): string | undefined =>
    new RegExp(`\\b${name}=(?:"([^"]*)"|(\\S+))`)
      .exec(info)
      ?.slice(1)
      .find((value) => value !== undefined)
  const path = attribute('file')
  if (path !== undefined) return { kind: 'file', text, path }
  const reason = attribute('not-run')
  if (reason !== undefined) return { kind: 'not run', text, reason }
  if (!info.startsWith('sh')) return { kind: 'not run', text, reason: 'an excerpt, to read' }
  return info.includes(' background')
    ? { kind: 'background', text, expected: [] }
    : { kind: 'commands', text, exit: Number(attribute('exit') ?? 0), expected: [] }
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
