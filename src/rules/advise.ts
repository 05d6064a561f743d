import { createHash } from 'node:crypto'
import { inChild, moduleBeside } from '../children/children.ts'
import type { DialectName } from '../cors/rule.ts'
import type { RequestQuestion } from '../plan/explain-request.ts'
import type { Explained } from '../plan/explained.ts'
import { fallbackName, type Snapshot } from '../plan/snapshot.ts'
import type { Advice, AskedRequest } from '../rule-file/propose/asked.ts'
import type * as proposing from '../rule-file/propose/propose.ts'
import { readRuleText } from './rule-text.ts'

type ProposalInput = proposing.ProposalInput

/** In a child process, so that the serving process loads neither the checker nor the parsers. */
const call = inChild<typeof proposing>(moduleBeside(import.meta.url, '../rule-file/propose/propose'))

interface AdviceContext {
  readonly directory: string
  readonly dialect: DialectName
  readonly snapshot: Snapshot
}

/**
 * What would allow the refused requests of one bucket: a change of its current rule file, or a hint. Does not reject
 * if a file cannot be read.
 */
export async function advise(
  context: AdviceContext,
  explained: Explained,
  requests: readonly AskedRequest[],
): Promise<Advice> {
  const input = await proposalInput(context, explained, requests)
  if (input === undefined) return {}
  const key = createHash('sha256').update(JSON.stringify(input)).digest('base64')
  const known = remembered.get(key)
  if (known !== undefined) return known
  const advice = await call('propose', input)
  if (remembered.size >= maxRemembered) remembered.clear()
  remembered.set(key, advice)
  return advice
}

/** Cache: the console asks for the same groups every few seconds, and the result depends only on the input. */
const remembered = new Map<string, Advice>()
const maxRemembered = 100

async function proposalInput(
  { directory, dialect, snapshot }: AdviceContext,
  { decision, owner }: Explained,
  requests: readonly AskedRequest[],
): Promise<ProposalInput | undefined> {
  if (decision === 'allow' || owner === undefined) return undefined
  const fileOf = (bucket: string): string | undefined =>
    snapshot.files.find((status) => status.bucket === bucket)?.file
  const own = fileOf(owner)
  if (own !== undefined) {
    const text = await readRuleText(directory, own)
    return text === undefined ? undefined : { file: own, text, dialect, requests }
  }
  const fallback = snapshot.fallback === undefined ? undefined : fileOf(fallbackName)
  if (fallback === undefined) return { file: `${owner}.yaml`, text: undefined, dialect, requests }
  // A file of its own takes the bucket away from _default, so it must start with what _default allows.
  const template = await readRuleText(directory, fallback)
  const file = `${owner}${fallback.slice(fallbackName.length)}`
  return template === undefined ? undefined : { file, text: undefined, template, dialect, requests }
}

/** The request that a proposal has to allow. */
export const askedIn = ({
  origin,
  method,
  requestedHeaders = '',
  actual,
}: RequestQuestion): AskedRequest => ({
  origin,
  method,
  headers: actual
    ? []
    : requestedHeaders
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
  kind: actual ? 'actual' : 'preflight',
})
