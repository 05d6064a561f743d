/** What the console's page and the admin port tell each other, as JSON. Types only: the page imports them too. */

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
  /** When the counting began. */
  readonly started: string
  /** The rules directory. */
  readonly directory: string
  /** What becomes of a bucket without a rule file. */
  readonly unconfigured: 'refuse' | 'forward'
  readonly states: Readonly<Record<FileState, number>>
  readonly history: History
  readonly denials: number
  /** Whether there are candidate rules. */
  readonly candidates: boolean
  /** Those in trouble first; not more than fit a page. */
  readonly files: readonly FileSummary[]
  /** How many files of what was looked for are left out before these. */
  readonly filesFrom: number
  /** How many there are of what was looked for. */
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
  /** Names the group in `group=`. */
  readonly id: string
  readonly bucket?: string
  readonly origin?: string
  readonly reason: Exclude<Reason, 'matched'>
  readonly count: number
  readonly overcount: number
  readonly first: string
  readonly last: DenialView
  /** What all requests of the group together asked for; headers in lower case. */
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  /** What the rules of now decide on the latest one, and why. */
  readonly decisionNow?: 'allow' | 'deny'
  readonly now?: Explained
}

/** `GET /-/denials` */
export interface DenialsView {
  readonly total: number
  readonly recent: readonly DenialView[]
  /** Groups that the filter leaves, and all there are. */
  readonly groupsFound: number
  readonly groupsInAll: number
  readonly groups: readonly DenialGroupView[]
}

/** `GET /-/rules?bucket=`, as far as the page reads it. */
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
  /** Fields of the rule that the form does not show, and keeps. */
  readonly others: readonly string[]
  /** What its preset fills in where the rule says nothing itself. */
  readonly fromPreset: {
    readonly allowedMethods?: readonly string[]
    readonly allowedHeaders?: readonly string[]
    readonly exposeHeaders?: readonly string[]
    readonly maxAgeSeconds?: number
  }
}

export interface EditorFinding extends Omit<Finding, 'file' | 'code'> {
  /** The codes with `form-` are of the form alone. */
  readonly code: Finding['code'] | 'form-max-age' | 'form-any-origin'
  /** The line that it is about. */
  readonly quoted?: string
  /** The rule, the field and the entry of it, counted from 0, where it is about one. */
  readonly rule?: number
  readonly field?: string
  readonly entry?: number
  /** Of the form alone: the file loads with it. */
  readonly byForm?: boolean
}

/** `POST /-/check` */
export interface CheckedFile {
  readonly file: string
  /** The whole file, after the edit that was asked for. */
  readonly text: string
  /** Why that edit was not made. */
  readonly refused?: string
  readonly findings: readonly EditorFinding[]
  /** `undefined`: the text cannot be read as rules, or it is XML, and the form has nothing to show. */
  readonly rules: readonly FormRule[] | undefined
  /** By the dialect that the file names, else that of the server. */
  readonly form: { readonly requiresMaxAge: boolean; readonly otherMethods: boolean }
  /** Fields of the file that the form does not show, and keeps. */
  readonly others: readonly string[]
  /** There is no such file in the rules directory. */
  readonly isNew: boolean
  /** Unified, against the file in the rules directory; empty when they are the same. */
  readonly diff: string
}

/** What a set of rules decides. */
interface CandidateOutcome {
  readonly decision: 'allow' | 'deny'
  readonly reason: Reason
  readonly mode: Mode
  readonly rule?: string
  readonly bucket?: string
}

/** Requests of one kind that the candidate rules decide otherwise. */
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
  /** Groups that both sets of rules decide the same by now. */
  readonly settled: number
  readonly files: readonly { readonly file: string; readonly findings: readonly Omit<Finding, 'file'>[] }[]
  readonly groups: readonly CandidateGroupView[]
}
