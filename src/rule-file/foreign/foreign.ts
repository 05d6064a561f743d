/** Converts other products' CORS configurations to rule files, and keeps the position of each value. */

import { errorAt, type Problem, type Source, type SourceMap, type SourceNode } from '../source.ts'
import type { Fault } from './fault.ts'
import { type ForeignFormat, type FoundRules, recognise } from './formats.ts'
import { listAt, spanOf } from './node.ts'
import { computedIn, type Note, toRule, withoutComputed } from './rule.ts'
import { readTree } from './tree.ts'

/** The rules of one bucket, to be checked as if they had been written in a rule file. */
interface ForeignBucket {
  readonly bucket: string | undefined
  readonly source: Source
  readonly notes: readonly Note[]
}

export type ForeignFile =
  | { readonly kind: 'buckets'; readonly format: ForeignFormat; readonly buckets: readonly ForeignBucket[] }
  /** Well-formed, but not a known configuration. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unreadable'; readonly fault: Fault }

/** Reads `text` as one of the {@link foreignFormats}, detected by its shape or given by `from`. */
export function readForeign(text: string, from?: string): ForeignFile {
  const { root, fault } = readTree(text)
  if (fault !== undefined) return { kind: 'unreadable', fault }
  const known = root === undefined ? undefined : recognise(root, from)
  if (known === undefined) return { kind: 'unknown' }
  return { kind: 'buckets', format: known.format, buckets: known.buckets.map(toBucket) }
}

/** Every format contains one of these words, so a text without any need not be parsed again. */
const telling =
  /\b(?:origin|allowed|response_?header|cors_?rules?|cors|cors_?config(?:uration)?|allowed_?operations|allow(?:ed)?_?origins|max_?age(?:_?in_?seconds)?|exposed_?headers|s3_cors)\b/i

/** The format of `text` if it is another product's configuration. */
export function foreignFormatOf(text: string): ForeignFormat | undefined {
  if (!telling.test(text)) return undefined
  const file = readForeign(text)
  return file.kind === 'buckets' ? file.format : undefined
}

function toBucket({ bucket, alias, rules, holder }: FoundRules): ForeignBucket {
  const notes: Note[] = []
  const found = rules.map((rule) => toRule(rule, notes))
  if (bucket === undefined && alias !== undefined)
    notes.push({
      ...spanOf(holder),
      message: `the name of the bucket is not in the file: named after ${alias}, rename it`,
    })
  const list: SourceNode = listAt(found.map(withoutComputed), holder)
  const root: SourceMap = {
    kind: 'map',
    entries: [{ key: 'rules', keySpan: spanOf(holder), value: list }],
    ...spanOf(holder),
  }
  return {
    bucket: bucket ?? alias,
    source: { root, problems: found.flatMap(computedProblems), comments: [] },
    notes,
  }
}

const computedProblems = (rule: SourceMap): Problem[] =>
  computedIn(rule).map(({ offset, end }) =>
    errorAt(
      offset,
      end,
      'computed-value',
      'computed by the template: replace it with the value that it has after deployment',
    ),
  )
