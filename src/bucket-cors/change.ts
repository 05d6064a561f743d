import { compareBody } from '../auth/verify.ts'
import { inChild, moduleBeside } from '../children/children.ts'
import type { PlainResponse } from '../http.ts'
import { readInChild } from '../rules/read-in-child.ts'
import type { ReloadResult } from '../rules/store.ts'
import { type Change, findStoredFiles, removeAbandoned, removeFile, replaceFile } from '../rules/write.ts'
import { type AuditEntry, type Call, fail, readWithin, succeed } from './call.ts'
import type { Caller } from './caller.ts'
import type * as planChange from './plan-change.ts'
import type { ChangePlan, Configuration } from './plan-change.ts'
import { configurationError, digestError, notFlushed, notLive, notWritten } from './wording.ts'

/** Parses and prints rule files, so it runs in a child process, like all parsing of untrusted text. */
const planInChild = inChild<typeof planChange>(moduleBeside(import.meta.url, 'plan-change'))

type VerifiedCaller = Caller & { readonly kind: 'verified' }

/** Checks the body against the caller's digests, then stores the configuration in it. */
export async function putConfiguration(call: Call, caller: VerifiedCaller): Promise<PlainResponse> {
  const { words, judgement } = call.plan
  const { name } = judgement.dialect
  const read =
    caller.body === undefined ? await readWithin(call) : { kind: 'read' as const, bytes: caller.body }
  if (read.kind === 'failed') return read.answer
  const differing = compareBody(caller.digests, read.bytes)
  if (differing !== undefined) return fail(call, digestError(differing, words))
  const { content, findings } = await readInChild('cors.xml', read.bytes, name, {
    unknownKeys: 'ignore',
    byApi: true,
  })
  const mistake = findings.find(({ severity }) => severity === 'error')
  if (mistake !== undefined) {
    const error = configurationError(mistake, words)
    tellRefused(call, caller.accessKeyId, error.code, mistake.message)
    return fail(call, error)
  }
  if (content === undefined) throw new Error('rules without an error have no content')
  return call.inTurn(() => change(call, caller.accessKeyId, content))
}

/** Deletes the bucket's configuration. Succeeds when there is none. */
export async function deleteConfiguration(call: Call, caller: VerifiedCaller): Promise<PlainResponse> {
  return call.inTurn(() => change(call, caller.accessKeyId, undefined))
}

/** Changes the bucket's file to `wanted`, or deletes it, and waits until the change is live. */
async function change(
  call: Call,
  accessKeyId: string,
  wanted: Configuration | undefined,
): Promise<PlainResponse> {
  const { options, plan } = call
  const { directory, overwriteAuthored } = options
  const found = await findStoredFiles(directory, plan.bucket)
  if (found.kind === 'failed') return fail(call, notWritten(found.code))
  const { dialect, policy } = plan.judgement
  const context = {
    bucket: plan.bucket,
    dialect: dialect.name,
    inherited: policy?.file.dialect,
    stored: found.files,
    overwriteAuthored,
  }
  const planned = await (wanted === undefined
    ? planInChild('planDelete', context)
    : planInChild('planPut', context, wanted))
  if (planned.kind === 'refused') {
    tellRefused(call, accessKeyId, planned.error.code, planned.error.message)
    return fail(call, planned.error)
  }
  if (planned.kind !== 'nothing') {
    const done = await perform(directory, planned)
    if (done.kind === 'failed') return fail(call, notWritten(done.code))
    options.audit(auditEntry(call, accessKeyId, planned))
    await removeAbandoned(directory, options.now())
    if (done.kind === 'unflushed') {
      await options.reload()
      return fail(call, notFlushed(done.code))
    }
  }
  // Also when the file did not change: its content may not be live yet.
  const result = await options.reload()
  if (!isLive(result, planned, plan.bucket)) return fail(call, notLive)
  return succeed(call, wanted === undefined ? 204 : 200)
}

function tellRefused({ options, plan }: Call, accessKeyId: string, code: string, reason: string): void {
  options.refused({ accessKeyId, bucket: plan.bucket, requestId: plan.requestId, code, reason })
}

type Performed = ChangePlan & { readonly kind: 'replace' | 'remove' }

const perform = (directory: string, planned: Performed): Promise<Change> =>
  planned.kind === 'remove'
    ? removeFile(directory, planned.file)
    : replaceFile(directory, planned.file, planned.text)

function auditEntry({ plan, client }: Call, accessKeyId: string, planned: Performed): AuditEntry {
  return {
    action: plan.method === 'PUT' ? 'put' : 'delete',
    accessKeyId,
    bucket: plan.bucket,
    file: planned.file,
    requestId: plan.requestId,
    client,
    from: planned.from,
    to: planned.kind === 'replace' ? planned.to : [],
  }
}

/** Whether the caller's next request will see this change, or one made since. */
function isLive({ failure, pending, snapshot }: ReloadResult, planned: ChangePlan, bucket: string): boolean {
  if (failure !== undefined) return false
  if ('file' in planned && pending.includes(planned.file)) return false
  if (planned.kind === 'remove') return true
  return snapshot.files.every((status) => status.bucket !== bucket || status.state === 'ok')
}
