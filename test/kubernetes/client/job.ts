/** Jobs for the client pod, and their results. Types only, because the pod does not have this file. */

export interface Sent {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** In base64. */
  readonly body?: string
}

export type Job =
  | { readonly kind: 'send'; readonly request: Sent }
  | { readonly kind: 'until'; readonly request: Sent; readonly status: number; readonly seconds: number }
  | { readonly kind: 'load'; readonly requests: readonly Sent[] }
  | { readonly kind: 'slow-put'; readonly request: Sent; readonly bytes: number; readonly seconds: number }
  | { readonly kind: 'slow-get'; readonly request: Sent; readonly bytes: number; readonly seconds: number }

export interface Answer {
  /** 0: there was none, see `error`. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** In base64. */
  readonly body: string
  readonly error?: string
}

export interface LoadOutcome {
  readonly served: number
  readonly failed: number
  /** Number of each kind. */
  readonly failures: Readonly<Record<string, number>>
  /** Longest time between two good responses, in seconds. */
  readonly longestGap: number
  /** Sum of the gaps of more than a second without a good response. */
  readonly secondsWithout: number
}

export interface SlowOutcome {
  readonly status: number
  readonly bytes: number
  readonly seconds: number
  readonly sha256: string
  readonly error?: string
}
