/** One request that was refused, as a proposal has to allow it. Plain data, so that it can cross a thread. */
export interface AskedRequest {
  readonly origin: string | undefined
  readonly method: string | undefined
  /** Requested names, as sent; empty for an actual request. */
  readonly headers: readonly string[]
  readonly kind: 'preflight' | 'actual'
}

/** The change that allows what was refused. */
export interface Proposal {
  /** Base name of the file that it changes or makes. */
  readonly file: string
  /** The whole new file. */
  readonly text: string
  /** Unified diff from the old file, or from /dev/null. */
  readonly diff: string
}

/** What to do about refused requests: at most one of both, and neither where the file already allows them. */
export interface Advice {
  readonly proposal?: Proposal
  /** What to change in the page, or in the file before a proposal can be made. */
  readonly hint?: string
}
