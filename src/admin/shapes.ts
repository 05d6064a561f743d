/** What the console's page and the admin port tell each other, as JSON. Types only: the page imports them too. */

import type { Reason } from '../cors/decide.ts'
import type { CorsRule, DialectName } from '../cors/rule.ts'
import type { Explained } from '../plan/explained.ts'
import type { Finding } from '../plan/finding.ts'
import type { FileState } from '../plan/snapshot.ts'

export type Kind = 'preflight' | 'actual'
type Mode = 'enforce' | 'report'

/** How many decisions were made up to a moment: milliseconds since 1970, then the counts in the order of `columns`. */
export type HistoryPoint = readonly number[]

export interface History {
  readonly columns: readonly { readonly kind: Kind; readonly reason: Reason }[]
  /** Oldest first. */
  readonly points: readonly HistoryPoint[]
}

export interface FileSummary {
  readonly bucket: string
  readonly file: string
  readonly state: FileState
  readonly since: string
  readonly findings: readonly Omit<Finding, 'file'>[]
  readonly rules: number
  readonly dialect: DialectName | undefined
  readonly mode: Mode | undefined
}

/** `GET /-/overview` */
export interface Overview {
  readonly version: string
  readonly endpoint: string
  readonly ready: boolean
  readonly generation: number
  readonly states: Readonly<Record<FileState, number>>
  readonly history: History
  readonly denials: number
  /** Those in trouble first; not more than fit a page. */
  readonly files: readonly FileSummary[]
  /** How many there are of what was looked for. */
  readonly filesFound: number
}

interface DenialView {
  readonly time: string
  readonly requestId: string
  readonly bucket?: string
  readonly kind: Kind
  readonly mode: Mode
  readonly reason: Exclude<Reason, 'matched'>
  readonly origin?: string
  readonly method?: string
  readonly requestedHeaders?: string
  readonly host?: string
  readonly path: string
}

export interface DenialGroupView {
  readonly bucket?: string
  readonly origin?: string
  readonly reason: Exclude<Reason, 'matched'>
  readonly count: number
  readonly overcount: number
  readonly first: string
  readonly last: DenialView
  /** What the rules of now say of the latest one. */
  readonly now?: Explained
}

/** `GET /-/denials` */
export interface DenialsView {
  readonly total: number
  readonly recent: readonly DenialView[]
  readonly groups: readonly DenialGroupView[]
}

/** `GET /-/rules?bucket=`, as far as the page reads it. */
export interface RulesView {
  readonly files: readonly { readonly bucket: string; readonly rules: readonly CorsRule[] }[]
}

/** The fields of the rule form, as they were typed. */
export interface RuleForm {
  readonly bucket: string
  readonly id: string
  /** One per line. */
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds: string
}

export interface FormFinding extends Omit<Finding, 'file'> {
  /** The field it is about, where it is about one. */
  readonly field: keyof RuleForm | undefined
  /** Which entry of the field, counted from 1. */
  readonly entry: number | undefined
}

/** `POST /-/check` */
export interface CheckedForm {
  readonly file: string
  readonly yaml: string
  readonly findings: readonly FormFinding[]
}
