/** JSON that the admin port sends to the console's page. Types only, because the page imports them too. */

import type { Reason } from '../cors/decide.ts'
import type { CorsRule, DialectName } from '../cors/rule.ts'
import type { Explained } from '../plan/explained.ts'
import type { Finding } from '../plan/finding.ts'
import type { Change } from '../plan/outcome.ts'
import type { FileState } from '../plan/snapshot.ts'
import type { UpstreamErrorType } from '../requests/finished-request.ts'
import type { StoreHealth } from '../requests/store-health.ts'
import type { RuleModel } from '../rule-file/propose/rule-model.ts'

export type Kind = 'preflight' | 'actual'
type Mode = 'enforce' | 'report'

/** Time in milliseconds since 1970, followed by the cumulative decision counts in the order of `columns`. */
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
  /** Start of the counters. */
  readonly started: string
  /** The rules directory. */
  readonly directory: string
  /** What happens to requests for a bucket without a rule file. */
  readonly unconfigured: 'refuse' | 'forward'
  readonly states: Readonly<Record<FileState, number>>
  readonly history: History
  readonly denials: number
  /** Whether candidate rules are configured. */
  readonly candidates: boolean
  /** One page of files; files with errors come first. */
  readonly files: readonly FileSummary[]
  /** Matching files before this page. */
  readonly filesFrom: number
  /** All matching files. */
  readonly filesFound: number
}

/** `GET /-/store` */
export interface StoreView {
  readonly address: string
  readonly state: StoreHealth['state']
  readonly since: string
  readonly lastAnswer?: string
  readonly lastError?: { readonly time: string; readonly type: UpstreamErrorType }
  /** Requests that failed since the last answer. */
  readonly failed: number
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
  /** Selects the group in `group=`. */
  readonly id: string
  readonly bucket?: string
  readonly origin?: string
  readonly reason: Exclude<Reason, 'matched'>
  readonly count: number
  readonly overcount: number
  readonly first: string
  readonly last: DenialView
  /** All that the requests of the group ask for; headers in lower case. */
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  /** What the current rules decide on the latest request, and why. */
  readonly decisionNow?: 'allow' | 'deny'
  readonly now?: Explained
}

/** `GET /-/denials` */
export interface DenialsView {
  readonly total: number
  readonly recent: readonly DenialView[]
  /** Groups that match the filter, and all groups. */
  readonly groupsFound: number
  readonly groupsInAll: number
  readonly groups: readonly DenialGroupView[]
}

/** `POST /-/reload`: only the fields that the page reads. */
export interface Reloaded {
  readonly result: string
  readonly states: Readonly<Record<FileSummary['state'], number>>
}

/** `GET /-/rules?bucket=`: only the fields that the page reads. */
export interface RulesView {
  readonly files: readonly { readonly bucket: string; readonly rules: readonly CorsRule[] }[]
}

/** `GET /-/file?bucket=` */
export interface RuleText {
  readonly bucket: string
  readonly file: string
  readonly state: FileState
  readonly text: string
}

/** One rule as the editor's form shows it. */
export interface FormRule extends Omit<RuleModel, 'others'> {
  /** Fields of the rule that the form keeps but does not show. */
  readonly others: readonly string[]
  /** Values that the preset fills in for fields that the rule does not set. */
  readonly fromPreset: {
    readonly allowedMethods?: readonly string[]
    readonly allowedHeaders?: readonly string[]
    readonly exposeHeaders?: readonly string[]
    readonly maxAgeSeconds?: number
  }
}

export interface EditorFinding extends Omit<Finding, 'file' | 'code'> {
  /** Codes that start with `form-` are the form's own. */
  readonly code: Finding['code'] | 'form-max-age' | 'form-any-origin'
  /** The line of the text. */
  readonly quoted?: string
  /** Index of the rule, its field, and index of the entry, if the finding is about one. */
  readonly rule?: number
  readonly field?: string
  readonly entry?: number
  /** Raised only by the form; the file loads. */
  readonly byForm?: boolean
}

/** `POST /-/check` */
export interface CheckedFile {
  readonly file: string
  /** The whole file, after the edit. */
  readonly text: string
  /** Why the edit was not made. */
  readonly refused?: string
  readonly findings: readonly EditorFinding[]
  /** `undefined`: the text cannot be read as rules, so the form shows nothing. */
  readonly rules: readonly FormRule[] | undefined
  /** By the dialect of the file, or else of the sidecar. */
  readonly form: { readonly requiresMaxAge: boolean; readonly otherMethods: boolean }
  /** Fields of the file that the form keeps but does not show. */
  readonly others: readonly string[]
  /** The rules directory has no such file. */
  readonly isNew: boolean
  /** Unified diff against the file in the rules directory; empty if they are equal. */
  readonly diff: string
}

interface CandidateOutcome {
  readonly decision: 'allow' | 'deny'
  readonly reason: Reason
  readonly mode: Mode
  readonly rule?: string
  readonly bucket?: string
}

/** Requests of one bucket, origin, method and kind that share a live outcome and a different candidate outcome. */
export interface CandidateGroupView {
  readonly bucket?: string
  readonly origin?: string
  readonly method?: string
  readonly kind: Kind
  readonly change: Change
  readonly live: CandidateOutcome
  readonly candidate: CandidateOutcome
  readonly count: number
  readonly overcount: number
  readonly first: string
  readonly last: string
  readonly example: {
    readonly requestId: string
    readonly host?: string
    readonly path: string
    readonly requestedHeaders?: string
  }
  readonly explanation?: { readonly live?: string; readonly candidate?: string }
  /** The command that explains the candidate's decision. */
  readonly explain?: string
}

/** `GET /-/candidates` */
export interface CandidatesView {
  readonly directory: string
  readonly lastReload?: { readonly successful: boolean; readonly failure?: string; readonly time: string }
  readonly compared: number
  readonly different: number
  readonly undecided: number
  /** Groups that the current rules of both sets decide alike. */
  readonly settled: number
  readonly files: readonly { readonly file: string; readonly findings: readonly Omit<Finding, 'file'>[] }[]
  readonly groups: readonly CandidateGroupView[]
}
