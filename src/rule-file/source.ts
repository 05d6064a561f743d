import type { Remedy, ValuePath } from './issue.ts'
import { type ErrorCode, type FindingCode, type Rated, rated } from './lint/codes.ts'

/** A range of the text of a rule file, in UTF-16 code units. */
export interface Span {
  readonly offset: number
  readonly end: number
}

/** Only the position of a value or a mistake. */
export const spanOf = ({ offset, end }: Span): Span => ({ offset, end })

/** A value in a rule file, in any format. */
export type SourceNode = SourceScalar | SourceList | SourceMap

interface SourceScalar extends Span {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
}

export interface SourceList extends Span {
  readonly kind: 'list'
  readonly items: readonly SourceNode[]
}

export interface SourceMap extends Span {
  readonly kind: 'map'
  /** In file order; a repeated key appears repeatedly. */
  readonly entries: readonly SourceEntry[]
}

export interface SourceEntry {
  readonly key: string
  readonly keySpan: Span
  readonly value: SourceNode
  /** The format has no such key, even if other formats do. */
  readonly isUnknown?: true
}

/** A finding about a {@link Span} of the text. */
export interface Problem extends Rated, Span {
  readonly message: string
  readonly remedy?: { readonly path: ValuePath; readonly remedy: Remedy }
}

/** A comment without its delimiters, and the span that an acceptance in it applies to. */
export interface Comment extends Span {
  readonly text: string
  readonly covers: Span
}

/**
 * The output of a parser. `root` is `undefined` when an error leaves nothing to check. With other errors it is
 * present, so that the rest is checked too, but it is never loaded.
 */
export interface Source {
  readonly root: SourceNode | undefined
  readonly problems: readonly Problem[]
  readonly comments: readonly Comment[]
}

/** No valid rule file is nested deeper, so deeper text is an attack on the parser. */
export const maxDepth = 32

export const problemAt = ({ offset, end }: Span, code: FindingCode, message: string): Problem => ({
  ...rated(code),
  message,
  offset,
  end,
})

export const errorAt = (offset: number, end: number, code: ErrorCode, message: string): Problem =>
  problemAt({ offset, end }, code, message)

/**
 * A scalar of any YAML type as written, so that a secret of digits keeps its digits. `undefined` for null.
 */
export function writtenText(node: SourceNode, text: string): string | undefined {
  if (node.kind !== 'scalar' || node.value === null) return undefined
  return typeof node.value === 'string' ? node.value : text.slice(node.offset, node.end)
}

/** A text that cannot be read at all. */
export const unreadable = (...problems: readonly Problem[]): Source => ({
  root: undefined,
  problems,
  comments: [],
})

/**
 * Converts offsets to line and column, both counted from 1. Built on first use, because most files have no
 * findings.
 */
export function createLineIndex(text: string): (offset: number) => { line: number; column: number } {
  let starts: number[] | undefined
  return (offset) => {
    starts ??= lineStarts(text)
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
