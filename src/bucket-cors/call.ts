import type { IncomingMessage } from 'node:http'
import type { CorsRule } from '../cors/rule.ts'
import type { RequestIdentity } from '../dialect/dialect.ts'
import type { PlainResponse, RequestFacts } from '../http.ts'
import { type Plan, patchLines } from '../plan/plan.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import type { ReloadResult } from '../rules/store.ts'
import type { IsBucketMissing } from './ask-bucket.ts'
import type { AskStore } from './ask-store.ts'
import type { CurrentKeys } from './credentials-file.ts'
import { readBody } from './read-body.ts'
import { type ApiError, entityTooLarge, requestTimeout } from './wording.ts'

/** One change of the rules through the API, for the audit log. */
export interface AuditEntry {
  readonly action: 'put' | 'delete'
  readonly accessKeyId: string
  readonly bucket: string
  /** Base name of the rule file. */
  readonly file: string
  readonly requestId: string
  readonly client: string
  readonly from: readonly CorsRule[]
  /** Empty: the bucket no longer has rules. */
  readonly to: readonly CorsRule[]
}

/** A configuration that was rejected. Logged, because the vendor's error text does not say what is wrong. */
export interface RefusedChange {
  readonly accessKeyId: string
  readonly bucket: string
  readonly requestId: string
  /** The error code that was sent. */
  readonly code: string
  readonly reason: string
}

export interface BucketCorsOptions {
  readonly directory: string
  readonly overwriteAuthored: boolean
  /** The access keys; `undefined`: none are configured, so the store authenticates callers. */
  readonly keys: CurrentKeys | undefined
  readonly askStore: AskStore
  readonly isBucketMissing: IsBucketMissing
  /** Reloads the directory. Resolves once every worker serves the result. */
  readonly reload: () => Promise<ReloadResult>
  /** Milliseconds for the body of a PUT. */
  readonly bodyTimeout: number
  readonly audit: (entry: AuditEntry) => void
  /** Called with the reason when a configuration is rejected. */
  readonly refused: (entry: RefusedChange) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** One call, with everything that its response depends on. */
export interface Call {
  readonly options: BucketCorsOptions
  readonly request: IncomingMessage
  readonly client: string
  readonly facts: RequestFacts
  readonly plan: Plan & { readonly act: 'bucket-cors' }
  readonly snapshot: Snapshot
  readonly identity: RequestIdentity
  /** Sends 100 (Continue) to a client that waits for it. */
  readonly proceed: () => void
  /** Runs a change of the directory after those before it. */
  readonly inTurn: <T>(act: () => Promise<T>) => Promise<T>
}

type ReadWithin =
  | { readonly kind: 'read'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly answer: PlainResponse }

/** The body within the dialect's limit, or the response that says why there is none. */
export async function readWithin(call: Call): Promise<ReadWithin> {
  const { request, facts, options, plan } = call
  const limit = plan.judgement.dialect.limits.bytes
  const isTooLong = facts.framing.kind === 'length' && facts.framing.bytes > limit
  if (facts.expectContinue && !isTooLong) call.proceed()
  const body = await readBody(request, facts.framing, { limit, timeout: options.bodyTimeout })
  switch (body.kind) {
    case 'whole':
      return { kind: 'read', bytes: body.bytes }
    case 'too-large':
      return { kind: 'failed', answer: fail(call, entityTooLarge(limit)) }
    case 'incomplete':
      return { kind: 'failed', answer: fail(call, requestTimeout) }
  }
}

/** The response to a successful call, with the CORS headers of the request. */
export function succeed({ plan }: Call, status: 200 | 204, body = ''): PlainResponse {
  const { dialect } = plan.judgement
  const type = body === '' ? [] : ['Content-Type', 'application/xml']
  const headers = [...type, ...dialect.signature(plan.requestId), ...patchLines(plan.patch)]
  return { status, headers, body }
}

/** An error response in the dialect of the bucket, with the CORS headers of the request. */
export function fail({ plan, facts, identity }: Call, error: ApiError): PlainResponse {
  const { dialect, address } = plan.judgement
  const { requestId } = plan
  const context = { identity, requestId, method: facts.method, host: facts.host ?? '', path: address.path }
  const plain = dialect.error(error, context, error.fields)
  return { ...plain, headers: [...plain.headers, ...patchLines(plan.patch)] }
}
