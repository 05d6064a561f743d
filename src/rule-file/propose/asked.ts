/** One refused request that a proposal has to allow. Plain data, so that it can be sent to a child process. */
export interface AskedRequest {
  readonly origin: string | undefined
  readonly method: string | undefined
  /** Requested names as sent; empty for an actual request. */
  readonly headers: readonly string[]
  readonly kind: 'preflight' | 'actual'
}

/** A change of a rule file that allows the refused requests. */
export interface Proposal {
  /** Base name of the file that is changed or created. */
  readonly file: string
  readonly text: string
  /** Unified diff against the old file, or against /dev/null. */
  readonly diff: string
}

/** What to do about refused requests: a proposal or a hint. Neither if the file already allows them. */
export interface Advice {
  readonly proposal?: Proposal
  /** What to change in the page, or in the file before a proposal is possible. */
  readonly hint?: string
}
