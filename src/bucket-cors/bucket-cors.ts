import type { IncomingMessage } from 'node:http'
import { compareBody } from '../auth/verify.ts'
import type { RequestIdentity } from '../dialect/dialect.ts'
import type { PlainResponse, RequestFacts } from '../http.ts'
import type { Plan } from '../plan/plan.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import { corsConfiguration } from '../rule-file/print-xml.ts'
import type { BucketCorsOptions, Call } from './call.ts'
import { fail, succeed } from './call.ts'
import { identifyCaller } from './caller.ts'
import { deleteConfiguration, putConfiguration } from './change.ts'
import { digestError, noConfiguration, noSuchBucket, refusalError } from './wording.ts'

export type { AuditEntry } from './call.ts'

/**
 * Answers one call of the bucket CORS API, or reports that the store must answer it. `proceed` sends 100 (Continue)
 * to a client that waits for it. No input from the caller, the store or the disk makes it reject.
 */
export type BucketCorsApi = (
  request: IncomingMessage,
  facts: RequestFacts,
  plan: Plan & { readonly act: 'bucket-cors' },
  snapshot: Snapshot,
  identity: RequestIdentity,
  client: string,
  proceed?: () => void,
) => Promise<PlainResponse | 'forward'>

/** Handles GET, PUT and DELETE of `?cors` for authenticated callers. */
export function createBucketCorsApi(options: BucketCorsOptions): BucketCorsApi {
  const inTurn = createTurns()
  return (request, facts, plan, snapshot, identity, client, proceed = nothing) =>
    answer({ options, request, client, facts, plan, snapshot, identity, proceed, inTurn })
}

const nothing = (): void => {}

/** Runs functions one after the other, so that each change starts from the result of the one before. */
function createTurns(): Call['inTurn'] {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const turn = last.then(act)
    last = turn.catch(nothing)
    return turn
  }
}

async function answer(call: Call): Promise<PlainResponse | 'forward'> {
  const { plan, facts } = call
  const caller = await identifyCaller(call)
  if (caller.kind === 'answered') return caller.answer
  if (plan.method !== 'PUT' && caller.kind === 'verified' && facts.framing.kind === 'none') {
    const differing = compareBody(caller.digests, new Uint8Array())
    if (differing !== undefined) return fail(call, digestError(differing, plan.words))
  }
  if (caller.kind === 'verified') {
    const { path } = plan.judgement.address
    if (await call.options.isBucketMissing({ facts, path }))
      return fail(call, noSuchBucket(plan.bucket, plan.words))
  }
  if (plan.method === 'GET') return getConfiguration(call)
  // A store that lets a caller read rules has not authorized them to change ours.
  if (caller.kind === 'accepted-by-store') return fail(call, refusalError('unsigned', plan.words))
  return plan.method === 'PUT' ? putConfiguration(call, caller) : deleteConfiguration(call, caller)
}

function getConfiguration(call: Call): PlainResponse {
  const { plan, snapshot } = call
  const { words } = plan
  // Looked up by name: the rules of `_default` are not this bucket's configuration.
  const policy = snapshot.buckets.get(plan.bucket)
  if (policy === undefined || policy.rules.length === 0)
    return fail(call, noConfiguration(plan.bucket, words))
  return succeed(call, 200, corsConfiguration(words.layout, policy.file))
}
