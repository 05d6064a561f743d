/** Converts other products' CORS configurations to rule files, and keeps the position of each value. */

import type { Matching } from '../../cors/rule.ts'
import { isBucketName } from '../../plan/address.ts'
import { quoted, visible } from '../../text/visible.ts'
import { errorAt, type Problem, type Source, type SourceMap, type SourceNode, spanOf } from '../source.ts'
import type { Fault } from './fault.ts'
import { recognise } from './formats.ts'
import type { ForeignFormat, FoundRules } from './found.ts'
import { isNothing, itemsOf, listAt, textOf } from './node.ts'
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

/** Reads `text` in the foreign format that `from` names, otherwise in the one that its shape matches. */
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
  /** Why the name is made up; set when the file does not name the bucket. */
  readonly unnamed?: Note
}

/** Uses the bucket name in the file, otherwise a name made from the file's alias for the bucket. */
function toNamed(given: FoundRules, index: number, count: number): Named {
  const { name, holder } = given
  const text = textOf(name)
  if (text !== undefined && isBucketName(text)) return { ...given, bucket: text }
  // Kept although it is not a bucket name: the caller refuses to write it, and a made-up name would be another bucket.
  if (text !== undefined && !isTemplate(text))
    return {
      ...given,
      bucket: text,
      notes: [...(given.notes ?? []), { ...spanOf(name ?? holder), message: notBucket(text) }],
    }
  const ofMany = count > 1 ? `bucket-${index + 1}` : undefined
  const bucket = given.alias === undefined ? ofMany : asBucketName(given.alias, index)
  if (name === undefined && bucket === undefined) return { ...given, bucket }
  return { ...given, bucket, unnamed: { ...spanOf(name ?? holder), message: whyNoName(name, text) } }
}

const isTemplate = (text: string): boolean => /\$\{|\{\{|<%|^\[/.test(text)

const notBucket = (text: string): string =>
  `${quoted(text)} is not a bucket name: use 1 to 63 letters, digits, dots, underscores and hyphens, starting with a letter or digit`

function whyNoName(name: SourceNode | undefined, text: string | undefined): string {
  if (name === undefined) return 'the file does not name the bucket'
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
  /** What cannot be converted. */
  readonly problems: readonly Problem[]
}

function converting(named: Named, { zeroMaxAge }: ForeignFormat, matching: Matching): Converting {
  const notes: Note[] = [...(named.notes ?? [])]
  const converted = named.rules
    .filter((rule) => !isComputed(rule))
    .map((rule) => toRule(rule, notes, { matching, zeroMaxAge }))
  // If the rules are a scalar, such as "{{ rules }}", they are computed as a whole.
  const whole = named.holder.kind === 'scalar' ? [named.holder] : named.rules.filter(isComputed)
  const others = itemsOf(named.holder).filter((item) => item.kind !== 'map' && !isNothing(item))
  const problems = [
    ...[...whole, ...converted.flatMap(computedIn)].map(computedProblem),
    ...others.map((item) => (item.kind === 'list' ? nestedList(item) : computedProblem(item))),
  ]
  return { ...named, notes, converted, problems }
}

/**
 * A Terraform or Pulumi state may have the rules of a bucket twice: in a CORS resource and in the bucket resource, which
 * repeats what the store has. Keeps those of the CORS resource; of two such resources, or without one, the last.
 */
function onePerBucket(buckets: readonly Converting[]): readonly Converting[] {
  const isNamed = ({ bucket, unnamed }: Converting): boolean => bucket !== undefined && unnamed === undefined
  const groups = Map.groupBy(buckets, (one) => (isNamed(one) ? one.bucket : one))
  return [...groups.values()].flatMap((group) => {
    const kept = group.findLast(({ isOwnResource }) => isOwnResource === true) ?? group.at(-1)
    if (kept === undefined) return []
    const used = plainRules(kept)
    const left = group.filter(
      (other) => other !== kept && (other.problems.length > 0 || plainRules(other) !== used),
    )
    const notes = left.map(({ holder }) => ({
      ...spanOf(holder),
      message: `these rules are left out: the file has other rules for bucket ${visible(kept.bucket ?? '')}, and those are used`,
    }))
    return { ...kept, notes: [...kept.notes, ...notes] }
  })
}

const plainRules = ({ converted }: Converting): string => JSON.stringify(converted.map(plainRule))

/** The values without their positions. Empty lists are omitted, because they mean the same as missing ones. */
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

/** Numbers made-up names, so that no two files get the same name. */
function withUniqueNames(buckets: readonly Converting[]): readonly Converting[] {
  const taken = new Set(buckets.flatMap(({ bucket, unnamed }) => (unnamed === undefined ? [bucket] : [])))
  const last = new Map<string, number>()
  return buckets.map((one) => {
    if (one.unnamed === undefined || one.bucket === undefined) return one
    let bucket = one.bucket
    let n = last.get(one.bucket) ?? 1
    while (taken.has(bucket)) bucket = `${one.bucket}-${++n}`
    last.set(one.bucket, n)
    taken.add(bucket)
    return { ...one, bucket }
  })
}

function toBucket({ bucket, unnamed, notes, holder, converted, problems }: Converting): ForeignBucket {
  const list: SourceNode = listAt(converted.map(withoutComputed), holder)
  const root: SourceMap = {
    kind: 'map',
    entries: [{ key: 'rules', keySpan: spanOf(holder), value: list }],
    ...spanOf(holder),
  }
  const remedy =
    bucket === undefined
      ? 'name the rule file after the bucket'
      : `the rule file is called ${bucket}, so rename it after the bucket`
  return {
    bucket,
    source: { root, problems, comments: [] },
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

const nestedList = ({ offset, end }: SourceNode): Problem =>
  errorAt(offset, end, 'wrong-type', 'a list in place of a rule: write its rules into the list around it')
