/** Converts one CORS rule of another product to our fields, and keeps the positions of its values. */

import { corsMethods, isAllowable, type Matching } from '../../cors/rule.ts'
import { quoted } from '../../text/visible.ts'
import {
  type SourceEntry,
  type SourceList,
  type SourceMap,
  type SourceNode,
  type Span,
  spanOf,
} from '../source.ts'
import { entriesOf, isNothing, itemsOf, listAt, scalarAt } from './node.ts'

/** A difference between the file and its conversion, with its position. */
export interface Note extends Span {
  readonly message: string
}

/** The field of a rule that a foreign field becomes. */
type Field =
  | 'id'
  | 'allowedOrigins'
  | 'allowedMethods'
  | 'allowedHeaders'
  | 'exposeHeaders'
  | 'maxAgeSeconds'
  /** Google Cloud Storage has one list for the headers that a preflight may ask for and those that a page may read. */
  | 'allowedAndExposed'
  /** Backblaze B2 lists calls of its own API, each of which uses an HTTP method. */
  | 'operations'

const fieldNames: Readonly<Record<string, Field>> = {
  id: 'id',
  corsrulename: 'id',
  name: 'id',
  origin: 'allowedOrigins',
  origins: 'allowedOrigins',
  alloworigins: 'allowedOrigins',
  allowedorigin: 'allowedOrigins',
  allowedorigins: 'allowedOrigins',
  method: 'allowedMethods',
  methods: 'allowedMethods',
  allowmethods: 'allowedMethods',
  allowedmethod: 'allowedMethods',
  allowedmethods: 'allowedMethods',
  headers: 'allowedHeaders',
  allowheaders: 'allowedHeaders',
  allowedheader: 'allowedHeaders',
  allowedheaders: 'allowedHeaders',
  exposeheader: 'exposeHeaders',
  exposeheaders: 'exposeHeaders',
  exposedheaders: 'exposeHeaders',
  maxage: 'maxAgeSeconds',
  maxagesec: 'maxAgeSeconds',
  maxageseconds: 'maxAgeSeconds',
  maxageinseconds: 'maxAgeSeconds',
  responseheader: 'allowedAndExposed',
  responseheaders: 'allowedAndExposed',
  allowedoperations: 'operations',
}

/** The field that `key` names in one of the products' styles: allowed_origins, AllowedOrigins, origin. */
const fieldNamed = (key: string): Field | undefined => {
  const plain = key.replace(/[-_]/g, '').toLowerCase()
  return Object.hasOwn(fieldNames, plain) ? fieldNames[plain] : undefined
}

/** Keys that do not affect the decision, so leaving them out needs no note. */
const silentKeys = new Set(['Service', 'service'])

const credentialKeys = new Set(['allowCredentials', 'support_credentials', 'supportCredentials'])

interface RuleOptions {
  readonly matching: Matching
  readonly zeroMaxAge: 'unset' | undefined
}

/** Converts `rule` to our fields. Adds a note to `notes` for each difference. */
export function toRule(rule: SourceMap, notes: Note[], options: RuleOptions): SourceMap {
  const given = new Map<Field, [SourceEntry, ...SourceEntry[]]>()
  for (const entry of flattened(rule)) {
    const field = fieldNamed(entry.key)
    if (isNothing(entry.value)) continue
    if (field === undefined) {
      if (!silentKeys.has(entry.key)) notes.push({ ...entry.keySpan, message: whyLeftOut(entry) })
      continue
    }
    if (field === 'maxAgeSeconds' && options.zeroMaxAge === 'unset' && isZero(entry.value)) {
      notes.push({
        ...entry.keySpan,
        message: `${entry.key} 0 is left out: the tool writes 0 when no max-age is set`,
      })
      continue
    }
    const before = given.get(field)
    if (before === undefined) given.set(field, [entry])
    else before.push(entry)
  }
  const parts = new Map(Array.from(given, ([field, entries]) => [field, joined(entries)]))
  return { kind: 'map', entries: entriesFor(parts, rule, notes, options.matching), ...spanOf(rule) }
}

const whyLeftOut = ({ key }: SourceEntry): string =>
  credentialKeys.has(key)
    ? `${key} is left out: in the dialects cos and s3 every origin that a rule names gets credentials`
    : `${quoted(key)} is left out: a rule has no such field`

const isZero = (node: SourceNode): boolean => node.kind === 'scalar' && Number(node.value) === 0

/** Cloudflare R2 puts origins, methods and headers in a mapping `allowed`; GCS XML has a list element around each kind. */
const flattened = (rule: SourceMap): readonly SourceEntry[] =>
  rule.entries.flatMap((entry) => {
    if (entry.key === 'allowed') return entriesOf(entry.value)
    return fieldNamed(entry.key) !== undefined && entry.value.kind === 'map' && !isComputed(entry.value)
      ? entriesOf(entry.value)
      : [entry]
  })

/** One entry for a field that the rule has more than once. */
const joined = (entries: readonly [SourceEntry, ...SourceEntry[]]): SourceEntry => {
  const [first] = entries
  if (entries.length === 1) return first
  return {
    ...first,
    value: listAt(
      entries.flatMap(({ value }) => valuesOf(value)),
      first.value,
    ),
  }
}

/** Azure writes lists as text with commas. */
function valuesOf(node: SourceNode): readonly SourceNode[] {
  if (node.kind === 'list') return node.items
  if (node.kind !== 'scalar' || typeof node.value !== 'string' || !node.value.includes(',')) return [node]
  return node.value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => scalarAt(part, node))
}

function entriesFor(
  parts: ReadonlyMap<Field, SourceEntry>,
  rule: Span,
  notes: Note[],
  matching: Matching,
): SourceEntry[] {
  const list = (field: Field): readonly SourceNode[] => {
    const entry = parts.get(field)
    return entry === undefined ? [] : valuesOf(entry.value)
  }
  const both = list('allowedAndExposed')
  const methods = [
    ...methodsOf(list('allowedMethods'), notes, matching),
    ...operationsOf(list('operations'), notes),
  ]
  // Only Backblaze B2 accepts a bare scheme as an origin. Elsewhere it is a mistake, which must not allow every origin.
  const origins = parts.has('operations') ? list('allowedOrigins').map(schemeOrigin) : list('allowedOrigins')
  const lists: readonly (readonly [string, readonly SourceNode[], Field])[] = [
    ['allowedOrigins', origins, 'allowedOrigins'],
    ['allowedMethods', distinct(methods), parts.has('operations') ? 'operations' : 'allowedMethods'],
    [
      'allowedHeaders',
      [...list('allowedHeaders'), ...both],
      both.length > 0 ? 'allowedAndExposed' : 'allowedHeaders',
    ],
    ['exposeHeaders', exposedOf([...list('exposeHeaders')], both, notes), 'exposeHeaders'],
  ]
  const id = parts.get('id')
  const age = parts.get('maxAgeSeconds')
  return [
    ...(id === undefined ? [] : [{ ...id, key: 'id' }]),
    ...lists.flatMap(([key, values, field]): SourceEntry[] => {
      const at = parts.get(field)
      if (values.length === 0 && at === undefined) return []
      const place = at?.value ?? rule
      return [{ key, keySpan: at?.keySpan ?? spanOf(rule), value: listAt(values, place) }]
    }),
    ...(age === undefined ? [] : [{ ...age, key: 'maxAgeSeconds', value: secondsOf(age.value) }]),
  ]
}

function distinct(values: readonly SourceNode[]): readonly SourceNode[] {
  const seen = new Set<unknown>()
  return values.filter((node) => {
    if (node.kind !== 'scalar') return true
    if (seen.has(node.value)) return false
    seen.add(node.value)
    return true
  })
}

/** "https" stands for every origin with that scheme. */
const schemeOrigin = (node: SourceNode): SourceNode =>
  node.kind === 'scalar' && (node.value === 'https' || node.value === 'http')
    ? scalarAt(`${node.value}://*`, node)
    : node

function methodsOf(values: readonly SourceNode[], notes: Note[], matching: Matching): readonly SourceNode[] {
  return values.flatMap((node): readonly SourceNode[] => {
    const name = node.kind === 'scalar' ? node.value : undefined
    if (name === '*') {
      notes.push({
        ...spanOf(node),
        message: `"*" becomes the methods that a rule can allow: ${corsMethods.join(', ')}`,
      })
      return corsMethods.map((method) => scalarAt(method, node))
    }
    const isAllowed = typeof name !== 'string' || (name !== 'OPTIONS' && isAllowable(name, matching))
    if (isAllowed || !foreignMethods.has(name)) return [node]
    const why =
      name === 'OPTIONS'
        ? 'preflights are always answered'
        : 'rules of COS, OSS and S3 cannot allow it; for a store of another kind add --dialect http'
    notes.push({ ...spanOf(node), message: `${name} is left out: ${why}` })
    return []
  })
}

/** Methods in other products' rules that no S3-family store accepts. */
const foreignMethods = new Set(['OPTIONS', 'PATCH', 'MERGE', 'TRACE', 'CONNECT'])

/** The HTTP methods of B2's API calls (Backblaze B2, "Cross-Origin Resource Sharing Rules"). */
const operationMethods: Readonly<Record<string, readonly string[]>> = {
  b2_download_file_by_name: ['GET', 'HEAD'],
  b2_download_file_by_id: ['GET', 'HEAD'],
  b2_upload_file: ['POST'],
  b2_upload_part: ['POST'],
  s3_get: ['GET'],
  s3_head: ['HEAD'],
  s3_put: ['PUT'],
  s3_post: ['POST'],
  s3_delete: ['DELETE'],
}

function operationsOf(values: readonly SourceNode[], notes: Note[]): readonly SourceNode[] {
  return values.flatMap((node) => {
    const name = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : ''
    const methods = Object.hasOwn(operationMethods, name) ? operationMethods[name] : undefined
    if (methods !== undefined) return methods.map((method) => scalarAt(method, node))
    notes.push({
      ...spanOf(node),
      message: `the operation ${quoted(name)} is left out: it is not a B2 operation that a page can call`,
    })
    return []
  })
}

/** The response headers that a page may read, without patterns, because a pattern is not the name of a header. */
function exposedOf(
  own: readonly SourceNode[],
  both: readonly SourceNode[],
  notes: Note[],
): readonly SourceNode[] {
  const isPattern = (node: SourceNode): boolean =>
    node.kind === 'scalar' && typeof node.value === 'string' && node.value.includes('*')
  for (const node of own.filter(isPattern))
    notes.push({
      ...spanOf(node),
      message: 'a pattern cannot be exposed: list the names of the response headers',
    })
  for (const node of both.filter(isPattern))
    notes.push({
      ...spanOf(node),
      message: 'a pattern is allowed in requests, but not exposed: list the response headers that pages read',
    })
  return [...own, ...both].filter((node) => !isPattern(node))
}

const units: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
}

/** SST writes "1 day". */
function secondsOf(node: SourceNode): SourceNode {
  const text = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : ''
  const [, count, unit] = /^(\d{1,9}) (second|minute|hour|day|week)s?$/.exec(text) ?? []
  const factor = unit === undefined ? undefined : units[unit]
  return factor === undefined ? node : scalarAt(Number(count) * factor, node)
}

/** A value that a template computes: `{Ref: X}`, `{Fn::Sub: …}`. */
export const isComputed = (node: SourceNode): boolean =>
  node.kind === 'map' && node.entries.length === 1 && /^(?:Ref$|Fn::)/.test(node.entries[0]?.key ?? '')

/** The computed values of a rule, each of which a person must replace. */
export function computedIn(rule: SourceMap): readonly SourceNode[] {
  return rule.entries.flatMap(({ value }) => [value, ...itemsOf(value)]).filter(isComputed)
}

/** The rest of the rule, to be checked without the computed values. */
export const withoutComputed = (rule: SourceMap): SourceMap => ({
  ...rule,
  entries: rule.entries.flatMap((entry) => {
    if (isComputed(entry.value)) return []
    return [entry.value.kind === 'list' ? { ...entry, value: knownOf(entry.key, entry.value) } : entry]
  }),
})

/** Replaces a computed value, so that its list is not reported as empty too. */
const standIns: Readonly<Record<string, string>> = {
  allowedOrigins: 'https://computed.invalid',
  allowedMethods: 'GET',
}

function knownOf(key: string, list: SourceList): SourceList {
  const standIn = standIns[key]
  const items = list.items.flatMap((item) => {
    if (!isComputed(item)) return [item]
    return standIn === undefined ? [] : [scalarAt(standIn, item)]
  })
  return { ...list, items }
}
