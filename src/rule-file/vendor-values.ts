/** Checks values whose validity depends on the dialect, such as methods and values that the vendor's API stores. */

import { fetchMethod } from '../cors/method.ts'
import { isAllowable, type Matching, vendorMatching } from '../cors/rule.ts'
import type { Dialect, NeverSent } from '../dialect/dialect.ts'
import { quoted } from '../text/visible.ts'
import { type EntryProblem, methodProblem } from './entry.ts'
import { type Issue, issue, type ValuePath } from './issue.ts'
import { type Rated, rated } from './lint/codes.ts'
import { originProblem } from './origin-entry.ts'

/** What the values of a file must satisfy. */
export interface Accepted {
  readonly matching: Matching
  /** Whether a rule can set allowCredentials. */
  readonly credentials: boolean
  /** Whether the vendor's console rejects underscores in allowed headers. */
  readonly refusesUnderscore: boolean
  /** Values that are only a warning, because the vendor's API has stored them. */
  readonly stored: ReadonlySet<NeverSent>
}

const nothing: ReadonlySet<NeverSent> = new Set()

export const vendorValues: Accepted = {
  matching: vendorMatching,
  credentials: false,
  refusesUnderscore: false,
  stored: nothing,
}

/** `byApi`: the values came through the vendor's API. */
export const acceptedBy = (
  { matching, style, refusesUnderscore, bucketCors }: Dialect,
  byApi: boolean,
): Accepted => ({
  matching,
  credentials: style.credentials === 'by-rule',
  refusesUnderscore,
  stored: byApi && bucketCors !== undefined ? bucketCors.stores : nothing,
})

/** Checks the values of `document`, a plain object of unknown shape with our field names. */
export function valueIssues(document: unknown, accepted: Accepted): Issue[] {
  return listIn(document, 'rules').flatMap((rule, index) => [
    ...listIn(rule, 'allowedMethods').flatMap((method, item) =>
      methodIssues(method, accepted, ['rules', index, 'allowedMethods', item]),
    ),
    ...listIn(rule, 'allowedOrigins').flatMap((origin, item) =>
      originIssues(origin, accepted, ['rules', index, 'allowedOrigins', item]),
    ),
    ...listIn(rule, 'allowedHeaders').flatMap((header, item) =>
      headerIssues(header, accepted, ['rules', index, 'allowedHeaders', item]),
    ),
    ...maxAgeIssues(fieldIn(rule, 'maxAgeSeconds'), accepted, ['rules', index, 'maxAgeSeconds']),
    ...credentialsIssues(fieldIn(rule, 'allowCredentials'), accepted, ['rules', index, 'allowCredentials']),
  ])
}

/** Codes for an entry whose only defect is its capital letters. */
const upperCase = new Set(['origin-upper-case', 'origin-placeholder'])

/** Why no browser sends `entry`, if it has no other defect. */
export function neverSent(entry: string): readonly NeverSent[] {
  const problem = originProblem(entry)
  if (problem === undefined) return []
  const ways: NeverSent[] = []
  let rest = entry
  if (/^[^/]+:\/\/[^/]+\/$/.test(rest)) {
    ways.push('trailing-slash')
    rest = rest.slice(0, -1)
  }
  if (rest !== rest.toLowerCase() && upperCase.has(originProblem(rest)?.code ?? '')) {
    ways.push('upper-case')
    rest = rest.toLowerCase()
  }
  if (originProblem(rest)?.code === 'origin-default-port') {
    ways.push('default-port')
    rest = rest.slice(0, rest.lastIndexOf(':'))
  }
  return originProblem(rest) === undefined ? ways : []
}

/** Whether a rule can allow `method` in this spelling, which must be the one that browsers send. */
export const isMethodFor = (method: string, { matching }: Accepted): boolean =>
  isAllowable(method, matching) && fetchMethod(method) === method

/** Whether a rule can have `entry`, possibly only because the vendor's API has stored it. */
export const isOriginFor = (entry: string, { stored }: Accepted): boolean =>
  originProblem(entry) === undefined || isStored(neverSent(entry), stored)

const isStored = (ways: readonly NeverSent[], stored: Accepted['stored']): boolean =>
  ways.length > 0 && ways.every((way) => stored.has(way))

const entryIssue = (problem: EntryProblem, path: ValuePath, severity?: Rated['severity']): Issue => ({
  ...problem,
  ...rated(problem.code, severity),
  path,
})

const methodIssues = (method: unknown, accepted: Accepted, path: ValuePath): Issue[] =>
  typeof method !== 'string' || isMethodFor(method, accepted)
    ? []
    : [entryIssue(methodProblem(method, accepted.matching), path)]

function originIssues(origin: unknown, { stored }: Accepted, path: ValuePath): Issue[] {
  if (typeof origin !== 'string') return []
  const problem = originProblem(origin)
  const ways = neverSent(origin)
  if (problem === undefined || ways.length === 0) return []
  return [entryIssue(problem, path, isStored(ways, stored) ? 'warning' : 'error')]
}

function headerIssues(header: unknown, { refusesUnderscore }: Accepted, path: ValuePath): Issue[] {
  if (!refusesUnderscore || typeof header !== 'string' || !header.includes('_')) return []
  const message = `${quoted(header)} contains an underscore, which the COS console rejects: use hyphens`
  return [issue('header-underscore', message, path)]
}

function maxAgeIssues(seconds: unknown, { stored }: Accepted, path: ValuePath): Issue[] {
  const age = typeof seconds === 'string' && /^-[0-9]+$/.test(seconds) ? Number(seconds) : seconds
  if (typeof age !== 'number' || !Number.isInteger(age) || age >= 0) return []
  const severity = stored.has('negative-max-age') ? 'warning' : 'error'
  const message = `maxAgeSeconds is negative (${age}): write 0 or more`
  return [{ ...rated('maxage-out-of-range', severity), message, path }]
}

function credentialsIssues(value: unknown, { credentials }: Accepted, path: ValuePath): Issue[] {
  if (typeof value !== 'boolean' || credentials) return []
  const message =
    'allowCredentials is only for dialect http; other dialects send what their vendor sends: remove it'
  return [{ ...issue('credentials-by-dialect', message, path), onKey: true }]
}

function fieldIn(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}

function listIn(value: unknown, name: string): readonly unknown[] {
  const field = fieldIn(value, name)
  return Array.isArray(field) ? field : []
}
