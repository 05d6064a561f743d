import type { CorsRule, DialectName, RuleFile } from '../cors/rule.ts'
import type { BucketCorsWords } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/named.ts'
import { hasComments, modelineOf } from '../rule-file/authored.ts'
import { convert } from '../rule-file/convert.ts'
import type { FileFormat } from '../rule-file/names.ts'
import { readRules } from '../rule-file/read.ts'
import { neverSent } from '../rule-file/vendor-values.ts'
import { ruleFileName, type StoredFile } from '../rules/write.ts'
import { type ApiError, configurationError, conflict } from './wording.ts'

/** What a caller may set; every other field of a rule file belongs to its author. */
export type Configuration = Pick<RuleFile, 'rules' | 'responseVary'>

/** What a call does to the rules directory. `from` and `to` are for the audit line. */
export type ChangePlan =
  /** The file says so already. */
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

/** What a change depends on beside the request. */
interface ChangeContext {
  readonly bucket: string
  /** The dialect of the bucket. */
  readonly dialect: DialectName
  /** The dialect that the file in force names, `_default` if the bucket has none of its own. */
  readonly inherited: DialectName | undefined
  /** The bucket's own files as they are now. */
  readonly stored: readonly StoredFile[]
  readonly overwriteAuthored: boolean
}

const refused = (error: ApiError): ChangePlan => ({ kind: 'refused', error })

const nothingElse: RuleFile = {
  rules: [],
  vary: 'auto',
  responseVary: false,
  mode: 'enforce',
  hosts: [],
  tests: [],
}

/** Decides how the bucket comes to have `wanted`. Its rules must have been read without an error. Pure. */
export function planPut(context: ChangeContext, wanted: Configuration): ChangePlan {
  const [stored, second] = context.stored
  if (stored === undefined)
    return replace(context, ruleFileName(context.bucket, 'yaml'), asBefore(context), wanted)
  if (second !== undefined) return refused(severalFiles(context.stored))
  const content = contentOf(context, stored)
  if (content !== undefined && isSame(content, wanted)) return { kind: 'nothing' }
  const authored = whyAuthored(stored, content)
  if (authored !== undefined && !context.overwriteAuthored) return refused(authored)
  return replace(context, stored.file, content ?? nothingElse, wanted)
}

/**
 * Decides how the bucket comes to have no rules: by taking its file away, or, where the file says more than rules, by
 * taking the rules out of it. Pure.
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

/** A first file of its own leaves a bucket in the dialect that it had. */
const asBefore = ({ inherited: dialect }: ChangeContext): RuleFile =>
  dialect === undefined ? nothingElse : { ...nothingElse, dialect }

const contentOf = ({ dialect }: ChangeContext, { file, bytes }: StoredFile): RuleFile | undefined =>
  readRules(file, bytes, dialect).content

const severalFiles = (files: readonly StoredFile[]): ApiError =>
  conflict(`This bucket has more than one rule file: ${files.map(({ file }) => file).join(', ')}.`)

/** What a person has put into a file that rewriting it would lose. */
function whyAuthored(stored: StoredFile, content: RuleFile | undefined): ApiError | undefined {
  const { file, format, linked, bytes } = stored
  const because = (reason: string): ApiError =>
    conflict(`The CORS rules of this bucket are kept in ${file}, which ${reason}; it is not rewritten.`)
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
    return refused(conflict(`${file} says more than the XML of a vendor can: write it in YAML first.`))
  const text = textOf(content, format, context)
  // Read as it will be loaded: what would not be loaded is not written, and the file's own tests have a say.
  const { findings } = readRules(file, Buffer.from(text), context.dialect)
  const mistake = findings.find(({ severity }) => severity === 'error')
  if (mistake !== undefined) return refused(configurationError(mistake, wordsOf(context)))
  return { kind: 'replace', file, text, from: before.rules, to: content.rules }
}

/** Found here by name, because functions cannot be sent to a thread. */
function wordsOf({ dialect }: ChangeContext): BucketCorsWords {
  const { bucketCors } = dialectNamed(dialect)
  if (bucketCors === undefined) throw new Error(`the dialect ${dialect} has no CORS API`)
  return bucketCors
}

/** The first line is for editors: kept where there was one, and not brought in where there was none. */
function textOf(content: RuleFile, format: FileFormat, { dialect, stored }: ChangeContext): string {
  const { text } = convert(content, format, dialect)
  const before = new TextDecoder().decode(stored[0]?.bytes)
  return modelineOf(before) + text.slice(modelineOf(text).length)
}

/** Whether `file` says more than its rules and responseVary. */
const hasOwnSettings = (file: RuleFile): boolean =>
  file.dialect !== undefined ||
  file.vary !== 'auto' ||
  file.mode !== 'enforce' ||
  file.hosts.length > 0 ||
  file.resourcePolicy !== undefined ||
  file.tests.length > 0

/** What a rule file says only because a vendor's API stores it: `check` would call it a mistake of its author. */
const isNeverSent = ({ allowedOrigins, maxAgeSeconds = 0 }: CorsRule): boolean =>
  maxAgeSeconds < 0 || allowedOrigins.some((origin) => neverSent(origin).length > 0)

/** A preset is a way of writing a rule; what a vendor's document says is the rule itself. */
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
