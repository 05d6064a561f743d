import type { Explanation } from '../cors/explain.ts'
import type { DialectName } from '../cors/rule.ts'
import type { FileState } from './snapshot.ts'

export type HeaderPairs = readonly (readonly [name: string, value: string])[]

/** The change that would allow a denied request: the complete new rule file. */
interface Proposal {
  readonly file: string
  readonly text: string
  /** Unified diff against the current file. */
  readonly diff: string
}

/**
 * An explained request. `explain --format json`, `/-/explain`, the console and the demo all use this shape. It
 * holds plain data only, so that JSON keeps all of it.
 */
export interface Explained extends Explanation {
  /** The bucket that the request addresses. */
  readonly bucket: string | undefined
  /** The rule file that decides, and its state. */
  readonly file: string | undefined
  readonly fileState: FileState | undefined
  readonly dialect: DialectName
  readonly mode: 'enforce' | 'report'
  /** Which rule file should change for this request: that of a bucket, `_service`, or none. */
  readonly owner: string | undefined
  /** Absent when no change is known that is safe to propose. */
  readonly proposal?: Proposal
  /** Sentences about anything else that affects the result: `_default` applied, the file has errors, report mode … */
  readonly notes: readonly string[]
  /** Fields that the deciding or closest rule takes from its preset; the file does not show them. */
  readonly preset: string | undefined
  readonly request: { readonly method: string; readonly target: string; readonly headers: HeaderPairs }
  readonly response: ExplainedResponse
  /** A POSIX shell command that sends the same request. */
  readonly curl: string
  /** The command would modify data in the store. */
  readonly curlWrites: boolean
}

/** The response to the client. Leaves out Date, Connection and Keep-Alive, which every response has. */
export type ExplainedResponse =
  /** Made here, complete. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: HeaderPairs
      readonly body: string
    }
  /**
   * The store's response: without its Access-Control-* lines if `strip`, plus `headers`, with `vary` merged into
   * Vary.
   */
  | {
      readonly kind: 'decorated'
      readonly strip: boolean
      readonly headers: HeaderPairs
      readonly vary: readonly string[]
    }
