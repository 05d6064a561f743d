/**
 * Recognises rules with nothing wrong in them, as nearly all are, in a fraction of the time that their schema takes.
 * What it does not vouch for need not be wrong: the schema in parse.ts judges that, and alone says what is wrong.
 */

import { allowedHeaderProblem, exposeHeaderProblem, idProblem } from './entry.ts'
import { originProblem } from './origin-entry.ts'

/** A rule that the schema would take as it is. */
export interface OrdinaryRule {
  readonly id?: string | undefined
  readonly allowedOrigins: string[]
  readonly allowedMethods: string[]
  readonly allowedHeaders?: string[] | undefined
  readonly exposeHeaders?: string[] | undefined
  readonly maxAgeSeconds?: number | undefined
  readonly allowCredentials?: undefined
}

/** The rules of `document` and what stands beside them, if each rule is beyond doubt; `undefined` says nothing. */
export function ordinaryRules(
  document: unknown,
): { readonly rules: readonly OrdinaryRule[]; readonly beside: object } | undefined {
  if (!isMapping(document)) return undefined
  const { rules, ...beside } = document
  return isListOf(rules, isOrdinary) ? { rules, beside } : undefined
}

const fields: ReadonlySet<string> = new Set<keyof OrdinaryRule>([
  'id',
  'allowedOrigins',
  'allowedMethods',
  'allowedHeaders',
  'exposeHeaders',
  'maxAgeSeconds',
])

function isOrdinary(rule: unknown): rule is OrdinaryRule {
  if (!isMapping(rule)) return false
  for (const key in rule) if (!fields.has(key)) return false
  const { id, allowedOrigins, allowedMethods, allowedHeaders, exposeHeaders, maxAgeSeconds } = rule
  return (
    (id === undefined || (typeof id === 'string' && idProblem(id) === undefined)) &&
    isListOf(allowedOrigins, isOrigin) &&
    allowedOrigins.length > 0 &&
    isListOf(allowedMethods, isMethod) &&
    allowedMethods.length > 0 &&
    (allowedHeaders === undefined || isListOf(allowedHeaders, isAllowedHeader)) &&
    (exposeHeaders === undefined || isListOf(exposeHeaders, isExposeHeader)) &&
    (maxAgeSeconds === undefined || (Number.isSafeInteger(maxAgeSeconds) && Number(maxAgeSeconds) >= 0))
  )
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isListOf<Item>(value: unknown, isItem: (item: unknown) => item is Item): value is readonly Item[] {
  if (!Array.isArray(value)) return false
  // Not every(): it passes over the holes of a list.
  for (const item of value) if (!isItem(item)) return false
  return true
}

const isOrigin = (entry: unknown): entry is string =>
  typeof entry === 'string' && originProblem(entry) === undefined
const isAllowedHeader = (entry: unknown): entry is string =>
  typeof entry === 'string' && allowedHeaderProblem(entry) === undefined
const isExposeHeader = (entry: unknown): entry is string =>
  typeof entry === 'string' && exposeHeaderProblem(entry) === undefined

/** Which methods a rule can hold depends on the dialect. */
const isMethod = (entry: unknown): entry is string => typeof entry === 'string'
