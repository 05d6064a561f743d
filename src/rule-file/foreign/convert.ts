import type { DialectName, RuleFile } from '../../cors/rule.ts'
import { dialectNamed } from '../../dialect/named.ts'
import { type Finding, findingAbout } from '../../plan/finding.ts'
import { readSource } from '../read.ts'
import { createLineIndex } from '../source.ts'
import { type ForeignFile, readForeign } from './foreign.ts'

/** One bucket of a foreign file. Every finding and note has a position in that file. */
export interface ConvertedBucket {
  readonly bucket: string | undefined
  /** Absent when a finding is an error. */
  readonly content: RuleFile | undefined
  readonly findings: readonly Finding[]
  /** Differences between the file and its conversion, as findings of severity info. */
  readonly notes: readonly Finding[]
}

type ConvertedFile =
  | Exclude<ForeignFile, { kind: 'buckets' }>
  | { readonly kind: 'buckets'; readonly title: string; readonly buckets: readonly ConvertedBucket[] }

/** Reads `text` and checks it as a rule file of `dialect`. `file` is the name in findings. */
export function convertForeign(
  file: string,
  text: string,
  dialect: DialectName,
  from?: string,
): ConvertedFile {
  const foreign = readForeign(text, dialectNamed(dialect).matching, from)
  if (foreign.kind !== 'buckets') return foreign
  const placeOf = createLineIndex(text)
  const buckets = foreign.buckets.map(({ bucket, source, notes }): ConvertedBucket => {
    // Size limits apply to what is written later, not to the template around the rules.
    const { content, findings } = readSource(file, source, dialect, { text, size: 0, format: 'yaml' })
    return {
      bucket,
      content,
      findings,
      notes: notes.map(({ offset, message }) => findingAbout(file, 'converted', message, placeOf(offset))),
    }
  })
  return { kind: 'buckets', title: foreign.format.title, buckets }
}
