import type { Explanation } from '../cors/explain.ts'
import type { DialectName } from '../cors/rule.ts'
import type { FileState } from './snapshot.ts'

/** Name and value of each header line. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[]

/** The change that would allow a refused request, as the whole new rule file. */
interface Proposal {
  readonly file: string
  readonly text: string
  /** Unified, against the file as it is. */
  readonly diff: string
}

/**
 * An explained request. `explain --format json`, `/-/explain`, the console and the demo all show this shape; it holds
 * plain data only, so that JSON carries it whole.
 */
export interface Explained extends Explanation {
  /** The bucket that the request was found to be for. */
  readonly bucket: string | undefined
  /** The rule file that decides for it, and its state. */
  readonly file: string | undefined
  readonly fileState: FileState | undefined
  readonly dialect: DialectName
  readonly mode: 'enforce' | 'report'
  /** Whose rule file a change for this request belongs in: a bucket, `_service`, or none. */
  readonly owner: string | undefined
  /** Absent where no change is known that is safe to propose. */
  readonly proposal?: Proposal
  /** What else has to be known: another file spoke, a file has errors, report mode … Plain sentences. */
  readonly notes: readonly string[]
  /** The fields that the deciding or closest rule has from its preset; the file does not show them. */
  readonly preset: string | undefined
  /** As it stands on the wire. */
  readonly request: { readonly method: string; readonly target: string; readonly headers: HeaderPairs }
  readonly response: ExplainedResponse
  /** One line for a POSIX shell that sends the same request. */
  readonly curl: string
  /** That line would change what the store holds. */
  readonly curlWrites: boolean
}

/** What the client gets. Date, Connection and Keep-Alive, which every answer has, are left out. */
export type ExplainedResponse =
  /** Made here, whole. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: HeaderPairs
      readonly body: string
    }
  /** The store's, without its Access-Control-* lines when `strip`, with `headers` added and `vary` merged into Vary. */
  | {
      readonly kind: 'decorated'
      readonly strip: boolean
      readonly headers: HeaderPairs
      readonly vary: readonly string[]
    }
