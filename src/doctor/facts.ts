import type { HeaderLines } from '../http.ts'

/** Where requests go. `target` is path and query exactly as sent. */
export interface Endpoint {
  readonly secure: boolean
  /** Host name or IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** As in the Host header: without the default port. */
  readonly authority: string
  readonly target: string
}

/** "Can a page of `origin` send this and read the response?" */
export interface Question {
  readonly endpoint: Endpoint
  readonly origin: string
  readonly method: string
  /** Header names that the page sets: lower case, sorted, without duplicates. */
  readonly headers: readonly string[]
  /**
   * Header names that the page sets although browsers cannot or should not send them. Not part of the preflight.
   */
  readonly unsendable: readonly string[]
  /** Response headers that the page reads, in lower case. */
  readonly exposed: readonly string[]
  /** The page sends cookies or HTTP authentication (`credentials: 'include'`). */
  readonly credentials: boolean
  /** There is a sidecar: the caller gave the store's address or the rules. */
  readonly sidecarKnown: boolean
}

export interface Answer {
  readonly kind: 'answer'
  readonly status: number
  readonly lines: HeaderLines
  /** The first 64 KiB. */
  readonly body: string
  readonly address: string | undefined
}

export type FailureReason =
  | 'name'
  | 'refused'
  | 'timeout'
  | 'reset'
  | 'not-http'
  | 'certificate-name'
  | 'certificate-expired'
  | 'certificate-untrusted'
  | 'tls'

export interface Failure {
  readonly kind: 'failure'
  readonly reason: FailureReason
  readonly detail: string
}

/**
 * Withheld without `--write`, because it would change the store: the whole request (DELETE, other methods without a body),
 * or the body of an upload whose head the server did not reject.
 */
interface Withheld {
  readonly kind: 'withheld'
}

export type Attempt = Answer | Failure | Withheld

/** What the rule files require for one request. */
export interface Expected {
  readonly allowed: boolean
  /** Why, in one or two sentences. */
  readonly text: string
  /** The Access-Control-* lines that the sidecar would send. */
  readonly lines: HeaderLines
}

/** Everything that was observed. `undefined`: that request was not sent. */
export interface Facts {
  readonly preflight: Attempt | undefined
  readonly actual: Attempt
  /** The actual request without Origin. */
  readonly plain: Attempt | undefined
  /** A GET of an object that does not exist, with a path that careless proxies rewrite. */
  readonly missing: Attempt | undefined
  /** A preflight from an origin that no rule names, for the same path as `missing`. */
  readonly stranger: Attempt | undefined
  readonly oddTarget: string
  /** What is wrong with the certificate. Later requests skipped its verification. */
  readonly certificate: Failure | undefined
  readonly store: Attempt | undefined
  readonly rules: { readonly preflight: Expected | undefined; readonly actual: Expected } | undefined
}

/** All values of a header, one per line. */
export function valuesOf({ lines }: Answer, name: string): readonly string[] {
  return lines.flatMap((line, index) =>
    index % 2 === 1 && lines[index - 1]?.toLowerCase() === name ? [line.trim()] : [],
  )
}

/** The elements of a comma-separated header, in lower case. */
export const listOf = (answer: Answer, name: string): readonly string[] =>
  valuesOf(answer, name)
    .flatMap((value) => value.split(','))
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '')

/** Whether the browser sends a preflight first (https://fetch.spec.whatwg.org/#cors-safelisted-method). */
export const needsPreflight = ({ method, headers }: Pick<Question, 'method' | 'headers'>): boolean =>
  !['GET', 'HEAD', 'POST'].includes(method) ||
  headers.some((name) => !['accept', 'accept-language', 'content-language'].includes(name))
