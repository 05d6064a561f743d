import { sha256Hex } from '../auth/digest.ts'
import type { SignedRequest } from '../auth/request-parts.ts'
import type { AccessKeys, BodyDigest, Refusal } from '../auth/verification.ts'
import { verify, whyNotSigned } from '../auth/verify.ts'
import type { PlainResponse } from '../http.ts'
import { type Call, fail, readWithin } from './call.ts'
import { credentialsUnusable, refusalError } from './wording.ts'

/** The authenticated caller, or the response to one who is not authorized. */
export type Caller =
  | {
      readonly kind: 'verified'
      readonly accessKeyId: string
      /** To be compared with the body. */
      readonly digests: readonly BodyDigest[]
      /** `undefined`: not read yet. */
      readonly body: Uint8Array | undefined
    }
  /** The store lets this caller read the rules. */
  | { readonly kind: 'accepted-by-store' }
  | { readonly kind: 'answered'; readonly answer: PlainResponse | 'forward' }

/**
 * Identifies the caller by the signature, or, if no keys are configured, by the store's response to the same
 * request.
 */
export async function identifyCaller(call: Call): Promise<Caller> {
  const { keys } = call.options
  if (keys === undefined) return askAboutCaller(call)
  const current = await keys()
  return current === undefined ? answered(fail(call, credentialsUnusable)) : verifyCaller(call, current)
}

const answered = (answer: PlainResponse | 'forward'): Caller => ({ kind: 'answered', answer })

const refuse = (call: Call, why: Refusal): Caller => answered(fail(call, refusalError(why, call.plan.words)))

async function verifyCaller(call: Call, keys: AccessKeys): Promise<Caller> {
  const at = secondsNow(call)
  const signed = signedRequest(call)
  const verification = verify(signed, keys, at)
  switch (verification.kind) {
    case 'verified':
      return { ...verification, body: undefined }
    case 'refused':
      return refuse(call, verification.why)
    case 'body-needed': {
      const read = await readWithin(call)
      if (read.kind === 'failed') return answered(read.answer)
      const again = verify({ ...signed, bodySha256: sha256Hex(read.bytes) }, keys, at)
      if (again.kind === 'verified') return { ...again, body: read.bytes }
      return refuse(call, again.kind === 'refused' ? again.why : 'malformed')
    }
  }
}

async function askAboutCaller(call: Call): Promise<Caller> {
  const { facts, plan, options, client } = call
  const why = whyNotSigned(signedRequest(call), secondsNow(call))
  if (why !== undefined) return refuse(call, why)
  const answer = await options.askStore({ facts, target: plan.target, patch: plan.patch, client })
  switch (answer.kind) {
    case 'accepted':
      return { kind: 'accepted-by-store' }
    case 'answered':
      return answered(answer.response)
    case 'unclear':
      return answered('forward')
  }
}

const secondsNow = ({ options }: Call): number => Math.floor(options.now() / 1000)

function signedRequest({ facts, plan }: Call): SignedRequest {
  const { address } = plan.judgement
  return {
    method: facts.method,
    target: plan.target,
    headers: facts.headers,
    bucket: plan.bucket,
    byHost: address.kind === 'bucket' && address.byHost,
    operation: 'cors',
    hasBody: facts.framing.kind !== 'none',
    bodySha256: undefined,
  }
}
