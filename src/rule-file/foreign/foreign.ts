/** Converts other products' CORS configurations to rule files, and keeps the position of each value. */

import type { Matching } from '../../cors/rule.ts'
import { isBucketName } from '../../plan/address.ts'
import { quoted } from '../../text/visible.ts'
import { errorAt, type Problem, type Source, type SourceMap, type SourceNode, spanOf } from '../source.ts'
import type { Fault } from './fault.ts'
import { recognise } from './formats.ts'
import type { ForeignFormat, FoundRules } from './found.ts'
import { listAt, textOf } from './node.ts'
import { computedIn, isComputed, type Note, toRule, withoutComputed } from './rule.ts'
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

/** Reads `text` as one of the foreign formats, by its shape or as `from` names it. */
export function readForeign(text: string, matching: Matching, from?: string): ForeignFile {
  const { root, fault } = readTree(text)
  if (fault !== undefined) return { kind: 'unreadable', fault }
  const known = root === undefined ? undefined : recognise(root, from)
  if (known === undefined) return { kind: 'unknown' }
  const { format } = known
  const named = known.buckets.map((one, index) => toNamed(one, index, known.buckets.length))
  const converted = named.map((one) => converting(one, format, matching))
  return { kind: 'buckets', format, buckets: withUniqueNames(onePerBucket(converted)).map(toBucket) }
}

/** Every format contains one of these words, so a text without any need not be parsed again. */
const telling =
  /\b(?:origins?|allowed|response_?headers?|cors_?rules?|cors|cors_?config(?:uration)?|allowed_?operations|allow(?:ed)?_?origins|max_?age(?:_?in_?seconds)?|exposed_?headers|(?:aws_)?s3_cors)\b/i

/** The format of `text` if it is another product's configuration. */
export function foreignFormatOf(text: string): ForeignFormat | undefined {
  const { root } = telling.test(text) ? readTree(text) : { root: undefined }
  return root === undefined ? undefined : recognise(root)?.format
}

interface Named extends FoundRules {
  readonly bucket: string | undefined
  /** Why the name was made up, for a bucket whose name the file does not say. */
  readonly unnamed?: Note
}

/** The bucket that the file names, or a name after what the file calls it. */
function toNamed(given: FoundRules, index: number, count: number): Named {
  const { name, holder } = given
  const text = textOf(name)
  if (text !== undefined && isBucketName(text)) return { ...given, bucket: text }
  // Under this name no file is written, and none under another one either.
  if (text !== undefined && !isTemplate(text))
    return { ...given, bucket: text, notes: [{ ...spanOf(name ?? holder), message: notBucket(text) }] }
  const ofMany = count > 1 ? `bucket-${index + 1}` : undefined
  const bucket = given.alias === undefined ? ofMany : asBucketName(given.alias, index)
  if (name === undefined && bucket === undefined) return { ...given, bucket }
  return { ...given, bucket, unnamed: { ...spanOf(name ?? holder), message: whyNoName(name, text) } }
}

const isTemplate = (text: string): boolean => /\$\{|\{\{|<%|^\[/.test(text)

const notBucket = (text: string): string =>
  `${quoted(text)} cannot be a bucket here: 1 to 63 letters, digits, dots, underscores and hyphens, and first a letter or digit`

function whyNoName(name: SourceNode | undefined, text: string | undefined): string {
  if (name === undefined) return 'the name of the bucket is not in the file'
  return text === undefined
    ? 'the name of the bucket is computed by the template'
    : `the name of the bucket is computed, ${quoted(text)}`
}

function asBucketName(alias: string, index: number): string {
  const name = alias.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 60)
  return isBucketName(name) ? name : `bucket-${index + 1}`
}

interface Converting extends Named {
  readonly notes: readonly Note[]
  readonly converted: readonly SourceMap[]
  /** Values that only deployment knows. */
  readonly computed: readonly SourceNode[]
}

function converting(named: Named, { zeroMaxAge }: ForeignFormat, matching: Matching): Converting {
  const notes: Note[] = [...(named.notes ?? [])]
  const converted = named.rules
    .filter((rule) => !isComputed(rule))
    .map((rule) => toRule(rule, notes, { matching, zeroMaxAge }))
  // Rules that are no list, such as "{{ rules }}", are computed as a whole.
  const whole = named.holder.kind === 'scalar' ? [named.holder] : named.rules.filter(isComputed)
  return { ...named, notes, converted, computed: [...whole, ...converted.flatMap(computedIn)] }
}

/**
 * A state has the rules of a bucket twice: in the resource for CORS, and in the bucket, which repeats what the store has.
 * Where they differ, the resource for CORS counts, and of two alike the later one.
 */
function onePerBucket(buckets: readonly Converting[]): readonly Converting[] {
  const isNamed = ({ bucket, unnamed }: Converting): boolean => bucket !== undefined && unnamed === undefined
  const groups = Map.groupBy(buckets, (one) => (isNamed(one) ? one.bucket : one))
  return [...groups.values()].flatMap((group) => {
    const kept = group.findLast(({ isOwnResource }) => isOwnResource === true) ?? group.at(-1)
    if (kept === undefined) return []
    const left = group.filter((other) => other !== kept && !isSameRules(other, kept))
    const notes = left.map(({ holder }) => ({
      ...spanOf(holder),
      message: `these rules are left out: other rules of the file are for the same bucket, ${kept.bucket}, and are used`,
    }))
    return { ...kept, notes: [...kept.notes, ...notes] }
  })
}

const isSameRules = (a: Converting, b: Converting): boolean =>
  JSON.stringify(a.converted.map(plainRule)) === JSON.stringify(b.converted.map(plainRule))

/** The values without their places; a list that is empty says the same as none. */
const plainRule = ({ entries }: SourceMap): object =>
  Object.fromEntries(
    entries
      .filter(({ value }) => value.kind !== 'list' || value.items.length > 0)
      .map(({ key, value }) => [key, plainValue(value)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )

function plainValue(node: SourceNode): unknown {
  if (node.kind === 'scalar') return node.value
  return node.kind === 'list' ? node.items.map(plainValue) : plainRule(node)
}

/** No two files of one name: names that were made up give way. */
function withUniqueNames(buckets: readonly Converting[]): readonly Converting[] {
  const taken = new Set(buckets.flatMap(({ bucket, unnamed }) => (unnamed === undefined ? [bucket] : [])))
  return buckets.map((one) => {
    if (one.unnamed === undefined || one.bucket === undefined) return one
    let bucket = one.bucket
    for (let n = 2; taken.has(bucket); n++) bucket = `${one.bucket}-${n}`
    taken.add(bucket)
    return { ...one, bucket }
  })
}

function toBucket({ bucket, unnamed, notes, holder, converted, computed }: Converting): ForeignBucket {
  const list: SourceNode = listAt(converted.map(withoutComputed), holder)
  const root: SourceMap = {
    kind: 'map',
    entries: [{ key: 'rules', keySpan: spanOf(holder), value: list }],
    ...spanOf(holder),
  }
  const remedy =
    bucket === undefined ? 'name the rule file after the bucket' : `named after ${bucket}, rename it`
  return {
    bucket,
    source: { root, problems: computed.map(computedProblem), comments: [] },
    notes:
      unnamed === undefined ? notes : [{ ...unnamed, message: `${unnamed.message}: ${remedy}` }, ...notes],
  }
}

const computedProblem = ({ offset, end }: SourceNode): Problem =>
  errorAt(
    offset,
    end,
    'computed-value',
    'computed by the template: replace it with the value that it has after deployment',
  )
