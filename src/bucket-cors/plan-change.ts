import { type CorsRule, type DialectName, emptyRuleFile, type RuleFile } from '../cors/rule.ts'
import type { BucketCorsWords } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/named.ts'
import { hasComments, modelineOf } from '../rule-file/authored.ts'
import { convert } from '../rule-file/convert.ts'
import type { FileFormat } from '../rule-file/names.ts'
import { readRules } from '../rule-file/read.ts'
import { neverSent } from '../rule-file/vendor-values.ts'
import { ruleFileName, type StoredFile } from '../rules/write.ts'
import { type ApiError, configurationError, conflict } from './wording.ts'

/** What a caller may set. All other fields of a rule file belong to its author. */
export type Configuration = Pick<RuleFile, 'rules' | 'responseVary'>

/** What a call changes in the rules directory. `from` and `to` are for the audit log. */
export type ChangePlan =
  /** The rules are already as wanted. */
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'replace'
      readonly file: string
      readonly text: string
      readonly from: readonly CorsRule[]
      readonly to: readonly CorsRule[]
    }
  | { readonly kind: 'remove'; readonly file: string; readonly from: readonly CorsRule[] }
  | { readonly kind: 'refused'; readonly error: ApiError }

interface ChangeContext {
  readonly bucket: string
  readonly dialect: DialectName
  /** The dialect that the live file sets: that of `_default` if the bucket has none of its own. */
  readonly inherited: DialectName | undefined
  /** The bucket's own files as they are now. */
  readonly stored: readonly StoredFile[]
  readonly overwriteAuthored: boolean
}

const refused = (error: ApiError): ChangePlan => ({ kind: 'refused', error })

/** Plans how to give the bucket the rules `wanted`, which must be free of errors. Pure. */
export function planPut(context: ChangeContext, wanted: Configuration): ChangePlan {
  const [stored, second] = context.stored
  if (stored === undefined)
    return replace(context, ruleFileName(context.bucket, 'yaml'), asBefore(context), wanted)
  if (second !== undefined) return refused(severalFiles(context.stored))
  const content = contentOf(context, stored)
  if (content !== undefined && isSame(content, wanted)) return { kind: 'nothing' }
  const authored = whyAuthored(stored, content)
  if (authored !== undefined && !context.overwriteAuthored) return refused(authored)
  return replace(context, stored.file, content ?? emptyRuleFile, wanted)
}

/**
 * Plans how to remove the bucket's rules: by deleting its file, or, if the file has other settings, by removing the
 * rules from it. Pure.
 */
export function planDelete(context: ChangeContext): ChangePlan {
  const [stored, second] = context.stored
  if (stored === undefined) return { kind: 'nothing' }
  if (second !== undefined) return refused(severalFiles(context.stored))
  const content = contentOf(context, stored)
  const keeps = content !== undefined && hasOwnSettings(content)
  if (keeps && content.rules.length === 0) return { kind: 'nothing' }
  const authored = whyAuthored(stored, content)
  if (authored !== undefined && !context.overwriteAuthored) return refused(authored)
  if (keeps) return replace(context, stored.file, content, { rules: [], responseVary: false })
  return { kind: 'remove', file: stored.file, from: content?.rules ?? [] }
}

/** A bucket that gets its first own file keeps its dialect. */
const asBefore = ({ inherited: dialect }: ChangeContext): RuleFile =>
  dialect === undefined ? emptyRuleFile : { ...emptyRuleFile, dialect }

const contentOf = ({ dialect }: ChangeContext, { file, bytes }: StoredFile): RuleFile | undefined =>
  readRules(file, bytes, dialect).content

const severalFiles = (files: readonly StoredFile[]): ApiError =>
  conflict(`This bucket has more than one rule file: ${files.map(({ file }) => file).join(', ')}.`)

/** The refusal if a person maintains the file: it is a link, is not YAML, has errors or has comments. */
function whyAuthored(stored: StoredFile, content: RuleFile | undefined): ApiError | undefined {
  const { file, format, linked, bytes } = stored
  const because = (reason: string): ApiError =>
    conflict(`The CORS rules of this bucket are kept in ${file}, which ${reason}, so it is not rewritten.`)
  if (linked) return because('is a link to a file kept elsewhere')
  if (format !== 'yaml') return because(`is ${format.toUpperCase()}`)
  if (content === undefined) return because('has errors')
  return hasComments(new TextDecoder().decode(bytes)) ? because('carries comments') : undefined
}

function replace(
  context: ChangeContext,
  file: string,
  before: RuleFile,
  { rules, responseVary }: Configuration,
): ChangePlan {
  const { storedBy: _, ...fields } = before
  const content: RuleFile = {
    ...fields,
    rules: rules.map(withoutPreset),
    responseVary,
    ...(rules.some(isNeverSent) ? { storedBy: 'api' } : {}),
  }
  const format = context.stored[0]?.format ?? 'yaml'
  if (format === 'xml' && (hasOwnSettings(content) || content.storedBy !== undefined))
    return refused(conflict(`${file} has settings that vendor XML cannot express. Convert it to YAML first.`))
  const text = textOf(content, format, context)
  // Reads the text as a reload would, so that a file that would not load, or fails its own tests, is not written.
  const { findings } = readRules(file, Buffer.from(text), context.dialect)
  const mistake = findings.find(({ severity }) => severity === 'error')
  if (mistake !== undefined) return refused(configurationError(mistake, wordsOf(context)))
  return { kind: 'replace', file, text, from: before.rules, to: content.rules }
}

/** Looked up by name, because functions cannot be sent to a child process. */
function wordsOf({ dialect }: ChangeContext): BucketCorsWords {
  const { bucketCors } = dialectNamed(dialect)
  if (bucketCors === undefined) throw new Error(`the dialect ${dialect} has no CORS API`)
  return bucketCors
}

/** The first line is for editors: kept if it was there, not added if it was not. */
function textOf(content: RuleFile, format: FileFormat, { dialect, stored }: ChangeContext): string {
  const { text } = convert(content, format, dialect)
  const before = new TextDecoder().decode(stored[0]?.bytes)
  return modelineOf(before) + text.slice(modelineOf(text).length)
}

/** Whether `file` has settings other than rules and responseVary. */
const hasOwnSettings = (file: RuleFile): boolean =>
  file.dialect !== undefined ||
  file.vary !== 'auto' ||
  file.mode !== 'enforce' ||
  file.hosts.length > 0 ||
  file.resourcePolicy !== undefined ||
  file.tests.length > 0

/** What a vendor's API stores although `check` would call it a mistake of the author. */
const isNeverSent = ({ allowedOrigins, maxAgeSeconds = 0 }: CorsRule): boolean =>
  maxAgeSeconds < 0 || allowedOrigins.some((origin) => neverSent(origin).length > 0)

/** A preset only shortens a rule in our files. A vendor's document contains the rule in full. */
function withoutPreset({ preset: _, ...rule }: CorsRule): CorsRule {
  return rule
}

function isSame(one: Configuration, other: Configuration): boolean {
  return one.responseVary === other.responseVary && signature(one.rules) === signature(other.rules)
}

const signature = (rules: readonly CorsRule[]): string =>
  JSON.stringify(
    rules.map((rule) => [
      rule.id ?? '',
      rule.allowedOrigins,
      rule.allowedMethods,
      rule.allowedHeaders,
      rule.exposeHeaders,
      rule.maxAgeSeconds ?? '',
    ]),
  )
