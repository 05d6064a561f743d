import type { Severity } from '../plan/finding.ts'
import type { Remedy, ValuePath } from './issue.ts'

/** A stretch of the text of a rule file, in UTF-16 code units from its start. */
export interface Span {
  readonly offset: number
  readonly end: number
}

/** A value as it stands in a rule file, whichever format it is written in. */
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
  /** In the order of the file; a key that is written twice is here twice. */
  readonly entries: readonly SourceEntry[]
}

export interface SourceEntry {
  readonly key: string
  readonly keySpan: Span
  readonly value: SourceNode
  /** The format has no such key, whatever other formats call by that name. */
  readonly isUnknown?: true
}

/** A finding about a stretch of text: {@link Span} is where. */
export interface Problem extends Span {
  readonly severity: Severity
  readonly code: string
  readonly message: string
  readonly remedy?: { readonly path: ValuePath; readonly remedy: Remedy }
}

/** A comment, without its delimiters, and the stretch of text that an acceptance in it is about. */
export interface Comment extends Span {
  readonly text: string
  readonly covers: Span
}

/**
 * What a reader of one format makes of a text. `root` is `undefined` when an error leaves nothing to look at; beside
 * other errors it is there, so that the rest is judged too, but never loaded.
 */
export interface Source {
  readonly root: SourceNode | undefined
  readonly problems: readonly Problem[]
  readonly comments: readonly Comment[]
}

/** Nothing a rule file can say is deeper; what is deeper was made to hurt a parser. */
export const maxDepth = 32

export const errorAt = (offset: number, end: number, code: string, message: string): Problem => ({
  severity: 'error',
  code,
  message,
  offset,
  end,
})

/** A scalar as it is written, whatever type YAML gives it: a secret of digits stays its digits. `undefined` of null. */
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

/** Line and column of offsets in one text, both counted from 1. Made on the first question, as most files have none. */
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
