/** Lints the valid parts of rules that have an error, so that one run reports everything. */

import { presetOf } from '../cors/presets.ts'
import type { CorsRule } from '../cors/rule.ts'
import { allowedHeaderProblem, exposeHeaderProblem } from './entry.ts'
import type { Issue, ListField } from './issue.ts'
import type { FindingCode } from './lint/codes.ts'
import { lint } from './lint/lint.ts'
import { type Accepted, isMethodFor, isOriginFor } from './vendor-values.ts'

/** The valid values of one rule, with their original indexes. */
interface SoundRule {
  readonly rule: CorsRule
  readonly places: Readonly<Record<ListField, readonly number[]>>
  /** Lists from which an invalid value was removed. */
  readonly damaged: ReadonlySet<ListField>
  /** Part of the rule could not be understood, so missing values are not reported. */
  readonly isUnclear: boolean
}

/**
 * Findings that may be false when part of the rule is missing: left out for an unclear rule, and when a value was
 * removed from one of these lists.
 */
const absence: Partial<Record<FindingCode, readonly ListField[]>> = {
  'etag-not-exposed': ['exposeHeaders'],
  'content-type-not-allowed': ['allowedHeaders'],
  'amz-sdk-headers-missing': ['allowedHeaders'],
  'oss-user-agent-missing': ['allowedHeaders'],
  'head-missing': ['allowedMethods'],
  'post-missing': ['allowedMethods'],
  'rule-never-matches': ['allowedOrigins'],
  'rule-shadowed': ['allowedOrigins', 'allowedMethods', 'allowedHeaders'],
  'write-methods-for-any-origin': [],
}

/**
 * `rules` are the document's rules with our field names. `isUnclear` says whether part of a rule could not be
 * understood, such as an unknown key.
 */
export function lintPartially(
  rules: readonly unknown[],
  isUnclear: (index: number) => boolean,
  accepted: Accepted,
): Issue[] {
  const sound = rules.map((rule, index) => soundRule(rule, isUnclear(index), accepted))
  const placed = sound.flatMap((rule, index) => (rule === undefined ? [] : [{ rule, index }]))
  if (placed.length === 0) return []
  const file = { rules: placed.map(({ rule }) => rule.rule), ...noSettings }
  const indexes = placed.map(({ index }) => index)
  return lint(file, accepted.matching, indexes).flatMap((issue) => {
    const owner = sound[Number(issue.path[1])]
    return owner === undefined || !holds(issue.code, owner) ? [] : [{ ...issue, path: pathIn(issue, owner) }]
  })
}

const noSettings = { vary: 'auto', responseVary: false, mode: 'enforce', hosts: [], tests: [] } as const

function holds(code: string, { damaged, isUnclear }: SoundRule): boolean {
  const fields = Object.entries(absence).find(([name]) => name === code)?.[1]
  return fields === undefined || (!isUnclear && !fields.some((field) => damaged.has(field)))
}

/** The path in the file, where indexes count the invalid values too. */
function pathIn({ path }: Issue, { places }: SoundRule): Issue['path'] {
  const [list, index, field, at] = path
  if (typeof at !== 'number' || !isListField(field)) return path
  return [list ?? '', index ?? 0, field, places[field][at] ?? at]
}

const listFields = ['allowedOrigins', 'allowedMethods', 'allowedHeaders', 'exposeHeaders'] as const
const isListField = (field: unknown): field is ListField => listFields.some((name) => name === field)

function soundRule(value: unknown, isUnclear: boolean, accepted: Accepted): SoundRule | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const preset = presetOf(textIn(value, 'preset') ?? '')
  const origins = soundList(value, 'allowedOrigins', (entry) => isOriginFor(entry, accepted))
  const methods = soundList(
    value,
    'allowedMethods',
    (method) => isMethodFor(method, accepted),
    preset?.allowedMethods,
  )
  const headers = soundList(
    value,
    'allowedHeaders',
    (name) => allowedHeaderProblem(name) === undefined,
    preset?.allowedHeaders,
  )
  const expose = soundList(
    value,
    'exposeHeaders',
    (name) => exposeHeaderProblem(name) === undefined,
    preset?.exposeHeaders,
  )
  const age = numberIn(value, 'maxAgeSeconds')
  const id = textIn(value, 'id')
  const lists = {
    allowedOrigins: origins,
    allowedMethods: methods,
    allowedHeaders: headers,
    exposeHeaders: expose,
  }
  return {
    rule: {
      ...(id === undefined || id === '' ? {} : { id }),
      ...(preset === undefined ? {} : { preset: textIn(value, 'preset') ?? '' }),
      allowedOrigins: origins.values,
      allowedMethods: methods.values,
      allowedHeaders: headers.values,
      exposeHeaders: expose.values,
      ...(age === undefined ? {} : { maxAgeSeconds: age }),
    },
    places: mapped(lists, ({ places }) => places),
    damaged: new Set(listFields.filter((field) => lists[field].isDamaged)),
    isUnclear,
  }
}

const mapped = <From, To>(
  lists: Readonly<Record<ListField, From>>,
  of: (list: From) => To,
): Record<ListField, To> => ({
  allowedOrigins: of(lists.allowedOrigins),
  allowedMethods: of(lists.allowedMethods),
  allowedHeaders: of(lists.allowedHeaders),
  exposeHeaders: of(lists.exposeHeaders),
})

interface SoundList {
  readonly values: readonly string[]
  readonly places: readonly number[]
  readonly isDamaged: boolean
}

function soundList(
  rule: object,
  field: ListField,
  isSound: (entry: string) => boolean,
  filled: readonly string[] = [],
): SoundList {
  const given: unknown = Reflect.get(rule, field)
  // The preset's own list, because lint recognises it by identity.
  if (given === undefined) return { values: filled, places: [], isDamaged: false }
  if (!Array.isArray(given)) return { values: [], places: [], isDamaged: true }
  const kept = given.flatMap((entry: unknown, at) =>
    typeof entry === 'string' && isSound(entry) ? [{ entry, at }] : [],
  )
  return {
    values: kept.map(({ entry }) => entry),
    places: kept.map(({ at }) => at),
    isDamaged: kept.length < given.length,
  }
}

function textIn(rule: object, field: string): string | undefined {
  const value: unknown = Reflect.get(rule, field)
  return typeof value === 'string' ? value : undefined
}

function numberIn(rule: object, field: string): number | undefined {
  const value: unknown = Reflect.get(rule, field)
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
}
