import type { DialectName, RuleFile } from '../cors/rule.ts'
import type { Dialect } from '../dialect/dialect.ts'
import { dialectNamed, dialectNames } from '../dialect/named.ts'
import { hostName } from '../plan/address.ts'
import { type Finding, findingAbout } from '../plan/finding.ts'
import { shellWord } from '../text/shell-word.ts'
import { quoted } from '../text/visible.ts'
import { withoutAccepted } from './acceptance.ts'
import { decode } from './bytes.ts'
import { type RuleDocument, toDocument } from './document.ts'
import { hostProblem } from './entry.ts'
import { failedExpectations } from './expectations.ts'
import { foreignFormatOf } from './foreign/foreign.ts'
import { type Issue, type Remedy, replaceBy, type ValuePath } from './issue.ts'
import { readJson } from './json.ts'
import { rated } from './lint/codes.ts'
import { lint } from './lint/lint.ts'
import { lintPartially } from './lint-partial.ts'
import { type FileFormat, formatOf, namedForCors, readFileName } from './names.ts'
import { formatSeen, otherDocument, otherXml, sourceCode, wrongExtension } from './other-document.ts'
import { parseRuleFile } from './parse.ts'
import {
  createLineIndex,
  errorAt,
  type Problem,
  problemAt,
  type Source,
  type SourceNode,
  type Span,
} from './source.ts'
import { type Accepted, acceptedBy } from './vendor-values.ts'
import { bucketOfCall, unwrapped } from './wrapping.ts'
import { readXml } from './xml.ts'
import { readYaml } from './yaml.ts'

/** The content of a rule file and the findings about it. Plain data, so that it can be sent between processes. */
export interface RuleReading {
  /** `undefined` exactly when a finding is an error. */
  readonly content: RuleFile | undefined
  /** Hosts that the file names, as far as they could be read. Also set for a file with an error. */
  readonly hosts: readonly NamedHost[]
  /** Rules and tests that could be read. Also set for a file with an error. */
  readonly counts?: { readonly rules: number; readonly tests: number }
  /** In file order. */
  readonly findings: readonly Finding[]
}

export interface ReadRules extends RuleReading {
  readonly remedies: readonly PlacedRemedy[]
  /** Position of a value, or of what it is missing from. */
  position(path: ValuePath): Place
  /** The `Bucket` parameter, if the text holds the parameters of an SDK call. */
  readonly bucket?: string
}

/** The remedy of a finding, and the value that it applies to. */
export interface PlacedRemedy {
  readonly code: string
  readonly path: ValuePath
  readonly remedy: Remedy
}

/** Both count from 1. */
interface Place {
  readonly line: number
  readonly column: number
}

/** An entry of `hosts:`, in lower case, without port and trailing dot. */
export interface NamedHost extends Place {
  readonly host: string
}

export interface ReadOptions {
  /**
   * How to treat an unknown element or key. In a file it is a mistake. A request of the bucket CORS API may come
   * from a newer SDK, so there it is ignored.
   */
  readonly unknownKeys?: 'refuse' | 'ignore'
  /** The document came through the bucket CORS API, so what the vendor stores is not an error. */
  readonly byApi?: boolean
}

/** Findings reported per file: a file can have ten thousand mistakes. */
const maxFindings = 100

const readers: Readonly<Record<FileFormat, (text: string) => Source>> = {
  yaml: readYaml,
  json: readJson,
  xml: readXml,
}

/** {@link readRules} without `position`, because a function cannot be sent between processes. */
export function readRuleFile(...given: Parameters<typeof readRules>): RuleReading {
  const { position: _, ...reading } = readRules(...given)
  return reading
}

/**
 * Parses, validates and lints one rule file and runs its tests. Pure. `file` is the name in findings; its extension
 * (.yaml, .yml, .json, .xml, otherwise YAML) selects the parser. `dialect` is the server's, for a file that names
 * none. Reports every mistake at once, as far as earlier mistakes allow.
 */
export function readRules(
  file: string,
  bytes: Uint8Array,
  dialect: DialectName,
  options: ReadOptions = {},
): ReadRules {
  const format = formatOf(file) ?? 'yaml'
  const { text, legible, problems } = decode(bytes, format)
  const wrong = legible ? wrongExtension(file, text, format) : undefined
  // Read in its detected format: "this is an HTML page" helps more than "the extension is wrong".
  const holds = wrong === undefined ? format : (formatSeen(text, format) ?? format)
  const seen = legible ? readers[holds](text) : unread
  const other = otherThanRules(seen, text, holds) ?? wrong
  const source = wrong === undefined ? seen : unread
  const reported = [
    ...problems,
    ...(other === undefined
      ? [...source.problems, ...namedForCors(file), ...otherBucket(file, source.root)]
      : [other]),
  ]
  const root = other === undefined ? source.root : undefined
  const read = readSource(file, { ...source, root, problems: reported }, dialect, {
    ...options,
    text,
    size: bytes.length,
    format,
  })
  const foreign =
    read.content === undefined && legible
      ? foreignFinding(file, text, wrong === undefined ? undefined : [format, holds])
      : undefined
  if (foreign !== undefined) return { ...read, findings: [foreign], remedies: [] }
  const program = read.content === undefined && legible ? sourceCode(text) : undefined
  if (program !== undefined)
    return { ...read, findings: [findingAbout(file, 'other-document', program)], remedies: [] }
  const given = bucketOfCall(root)
  return given?.kind === 'scalar' && typeof given.value === 'string' ? { ...read, bucket: given.value } : read
}

/**
 * A single finding for the CORS configuration of another product, instead of one for each unknown key. `misnamed`: the
 * format of the extension, then the detected one.
 */
function foreignFinding(
  file: string,
  text: string,
  misnamed: readonly [FileFormat, FileFormat] | undefined,
): Finding | undefined {
  const format = foreignFormatOf(text)
  if (format === undefined) return undefined
  const [named, held] = misnamed ?? []
  const about =
    misnamed === undefined ? 'a' : `the file is named .${named} and holds ${held?.toUpperCase()}, a`
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) || '/' : '.'
  // The conversion must not need the name that this file has.
  const to = file.endsWith('.yaml') ? ' --to json' : ''
  const command = `cors-sidecar convert ${shellWord(file)}${to} --out ${shellWord(folder)}`
  const message = `${about} CORS configuration of ${format.title}: convert it with "${command}", then remove this file`
  return findingAbout(file, 'foreign-format', message)
}

interface SourceText {
  readonly text: string
  /** Size of the file in bytes, for the vendors' limits. */
  readonly size: number
  readonly format: FileFormat
}

/** Validates and lints the output of a parser. */
export function readSource(
  file: string,
  source: Source,
  dialect: DialectName,
  { text, size, format, ...options }: SourceText & ReadOptions,
): ReadRules {
  const placeOf = createLineIndex(text)
  const document = source.root === undefined ? undefined : toDocument(unwrapped(source.root, format))
  const read =
    document === undefined ? nothingRead : readDocument({ document, text, size, format, dialect, ...options })
  const all = [...source.problems, ...read.problems]
  const content = all.some(isError) ? undefined : read.content
  const position = (path: ValuePath): Place => placeOf(document?.locate(path).offset ?? 0)
  const left = withoutAccepted(all, source.comments, content !== undefined)
  return {
    content,
    hosts: hostsIn(document?.value, position),
    counts: { rules: read.content?.rules.length ?? 0, tests: read.content?.tests.length ?? 0 },
    findings: toFindings(file, left, placeOf),
    remedies: left.flatMap(({ code, remedy }) => (remedy === undefined ? [] : [{ code, ...remedy }])),
    position,
  }
}

/** The parameters of an SDK call contain a bucket, which may differ from that of the file's name. */
function otherBucket(file: string, root: SourceNode | undefined): Problem[] {
  const given = bucketOfCall(root)
  const name = readFileName(file.slice(file.lastIndexOf('/') + 1))
  if (given?.kind !== 'scalar' || typeof given.value !== 'string' || name.kind !== 'rules') return []
  if (given.value === name.bucket) return []
  const message = `the rules are used for the bucket ${quoted(name.bucket)}, the name of the file, and not for ${quoted(given.value)}: rename the file, or remove "Bucket"`
  return [problemAt(given, 'bucket-differs', message)]
}

const unread: Source = { root: undefined, problems: [], comments: [] }

function otherThanRules({ root }: Source, text: string, format: FileFormat): Problem | undefined {
  if (root !== undefined) return otherDocument(root)
  return format === 'xml' ? otherXml(text) : undefined
}

/** Extracted even from a file with errors: no other bucket's rules may apply to these hosts. */
function hostsIn(value: unknown, position: ReadRules['position']): NamedHost[] {
  const entries = typeof value === 'object' && value !== null && 'hosts' in value ? value.hosts : undefined
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry: unknown, index) => {
    const host = typeof entry === 'string' && !entry.includes('/') ? hostName(entry) : ''
    return hostProblem(host) === undefined ? [{ host, ...position(['hosts', index]) }] : []
  })
}

interface Judged extends ReadOptions {
  readonly document: RuleDocument
  readonly text: string
  /** Size of the file in bytes. */
  readonly size: number
  readonly format: FileFormat
  /** The server's dialect. */
  readonly dialect: DialectName
}

interface Meaning {
  readonly content: RuleFile | undefined
  readonly problems: readonly Problem[]
}

const nothingRead: Meaning = { content: undefined, problems: [] }

const isError = ({ severity }: Problem): boolean => severity === 'error'

function readDocument({
  document,
  text,
  size,
  format,
  dialect: server,
  unknownKeys,
  byApi,
}: Judged): Meaning {
  const dialect = dialectNamed(dialectOf(document.value) ?? server)
  const accepted = acceptedBy(dialect, byApi === true || isStoredByApi(document.value))
  const { content, issues } = parseRuleFile(document.value, document.nameOf, accepted)
  const keys = document.problems.filter(({ code }) => unknownKeys !== 'ignore' || code !== 'unknown-key')
  const mistakes = [
    ...keys,
    ...limitProblems(document, size, dialect),
    ...issues.map((issue) => toProblem(issue, document)),
  ]
  if (content === undefined || mistakes.some(isError))
    return { content: undefined, problems: [...mistakes, ...lintTheRest(document, mistakes, accepted)] }
  const issuesOfContent = [
    ...lint(content, dialect.matching),
    ...failedExpectations(content, dialect.matching),
  ]
  const problems = [
    ...mistakes,
    ...issuesOfContent.map((issue) => toProblem(strictInXml(issue, format), document)),
    ...numberProblems(content, document, text),
  ]
  return { content, problems }
}

/** Lints the valid rest of the rules, so that authors need not fix a file twice. */
function lintTheRest(document: RuleDocument, mistakes: readonly Problem[], accepted: Accepted): Problem[] {
  if (mistakes.length >= maxFindings) return []
  const unclear = mistakes.filter(({ code }) => shapeCodes.has(code))
  const isUnclear = (index: number): boolean => {
    const { offset, end } = document.locate(['rules', index])
    return unclear.some((mistake) => mistake.offset >= offset && mistake.offset < end)
  }
  return lintPartially(rulesIn(document.value), isUnclear, accepted).map((issue) =>
    toProblem(issue, document),
  )
}

/** After one of these mistakes a field may only seem to be missing. */
const shapeCodes = new Set(['unknown-key', 'duplicate-key', 'wrong-type', 'missing-key', 'preset-unknown'])

function rulesIn(value: unknown): readonly unknown[] {
  const rules = typeof value === 'object' && value !== null && 'rules' in value ? value.rules : undefined
  return Array.isArray(rules) ? rules : []
}

function dialectOf(value: unknown): DialectName | undefined {
  const own = typeof value === 'object' && value !== null && 'dialect' in value ? value.dialect : undefined
  return dialectNames.find((name) => name === own)
}

const isStoredByApi = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'storedBy' in value && value.storedBy === 'api'

function limitProblems(document: RuleDocument, size: number, { name: dialect, limits }: Dialect): Problem[] {
  const { rules: mostRules, bytes: mostBytes } = limits
  const { ruleCount } = document
  const problems: Problem[] = []
  // `decode` has already reported a file above the general limit.
  if (size > mostBytes && mostBytes < 65_536)
    problems.push(errorAt(0, 0, 'file-too-large', `${size} bytes: ${dialect} stores at most ${mostBytes}`))
  if (ruleCount > mostRules) {
    const { offset, end } = document.locate(['rules', mostRules])
    const message = `${ruleCount} rules, but ${dialect} stores at most ${mostRules}: put several origins in one rule`
    problems.push(errorAt(offset, end, 'too-many-rules', message))
  }
  return problems
}

/** No vendor stores an XML configuration without rules. In YAML and JSON an empty list can be intended. */
const strictInXml = (issue: Issue, format: FileFormat): Issue =>
  format === 'xml' && issue.code === 'no-rules' ? { ...issue, ...rated('no-rules', 'error') } : issue

/** Reports seconds in a notation that other readers parse differently: 0o1130, 0600, 6e2. */
function numberProblems(content: RuleFile, document: RuleDocument, text: string): Problem[] {
  return content.rules.flatMap(({ maxAgeSeconds }, index): Problem[] => {
    if (maxAgeSeconds === undefined) return []
    const path = ['rules', index, 'maxAgeSeconds']
    const { offset, end } = document.locate(path)
    const written = text.slice(offset, end)
    // A preset's value is not in the text; its position is that of the rule.
    if (!/^[-+]?[0-9.]/.test(written) || /^(?:0|-?[1-9][0-9]*)$/.test(written) || end - offset > 40) return []
    const message = `${written} is read as ${maxAgeSeconds}: write decimal digits`
    const remedy = { path, remedy: replaceBy(String(maxAgeSeconds)) }
    return [{ ...problemAt({ offset, end }, 'maxage-not-decimal', message), remedy }]
  })
}

function toProblem({ severity, code, message, path, onKey, remedy }: Issue, document: RuleDocument): Problem {
  const { offset, end }: Span = onKey === true ? document.locateKey(path) : document.locate(path)
  return {
    severity,
    code,
    message,
    offset,
    end,
    ...(remedy === undefined ? {} : { remedy: { path, remedy } }),
  }
}

function toFindings(
  file: string,
  problems: readonly Problem[],
  placeOf: (offset: number) => Place,
): Finding[] {
  const sorted = problems.toSorted((a, b) => a.offset - b.offset)
  const byWeight = [...sorted.filter(isError), ...sorted.filter((problem) => !isError(problem))]
  const chosen = new Set(byWeight.slice(0, maxFindings))
  const shown = sorted.filter((problem) => chosen.has(problem))
  const rest = sorted.filter((problem) => !chosen.has(problem))
  const findings = shown.map(({ severity, code, message, offset }) => {
    const { line, column } = placeOf(offset)
    return { file, line, column, severity, code, message }
  })
  const [next] = rest
  if (next === undefined) return findings
  const severity = rest.some(isError)
    ? 'error'
    : rest.some((problem) => problem.severity === 'warning')
      ? 'warning'
      : 'info'
  const message = `${rest.length} more findings from here`
  return [...findings, { file, ...placeOf(next.offset), ...rated('more-findings', severity), message }]
}
