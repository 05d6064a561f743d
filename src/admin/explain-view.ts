import { randomBytes } from 'node:crypto'
import { isoTime } from '../auth/timestamp.ts'
import { fetchMethod } from '../cors/method.ts'
import type { RequestIdentity } from '../dialect/dialect.ts'
import { isBucketName } from '../plan/address.ts'
import {
  browserHeaderList,
  type Destination,
  explainRequest,
  type RequestQuestion,
} from '../plan/explain-request.ts'
import type { Explained } from '../plan/explained.ts'
import type { Setup } from '../plan/judge.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import type { Advice } from '../rule-file/propose/asked.ts'
import { advise, askedIn } from '../rules/advise.ts'
import { json, type Reply } from './reply.ts'

export interface Explainer {
  readonly rules: () => Snapshot
  readonly setup: Setup
  /** Where callers on this machine reach the data port. */
  readonly endpoint: () => string
  readonly now: () => number
  /** The rules directory. Proposals are changes to its files. */
  readonly directory: string
}

const parameters = new Set(['bucket', 'host', 'path', 'origin', 'method', 'headers', 'actual'])

/** `/-/explain`: how the sidecar would answer the request that the query describes, and why. */
export async function explainReply(explainer: Explainer, query: URLSearchParams): Promise<Reply> {
  const question = readQuestion(query)
  if (typeof question === 'string') return json(400, { error: question })
  const answer = answerQuestion(explainer, question)
  if (answer.kind === 'unusable') return json(400, { error: answer.message, field: fieldIn(question) })
  const { explained } = answer
  return json(200, withAdvice(explained, await adviceOn(explainer, explained, [question])))
}

/** Proposes a change that allows all `questions`, which must be for the bucket of `explained`. */
export function adviceOn(
  { rules, setup, directory }: Explainer,
  explained: Explained,
  questions: readonly RequestQuestion[],
): Promise<Advice> {
  const context = { directory, dialect: setup.dialect, snapshot: rules() }
  return advise(context, explained, questions.map(askedIn))
}

export function answerQuestion(
  { rules, setup, endpoint, now }: Explainer,
  question: RequestQuestion,
): ReturnType<typeof explainRequest> {
  const context = { snapshot: rules(), setup, identity: exampleIdentity(now()), endpoint: endpoint() }
  return explainRequest(context, question)
}

/** Adds the proposal, and replaces the hint with that of the advice, because the advice is based on the rule file. */
export const withAdvice = (explained: Explained, { proposal, hint }: Advice): Explained => ({
  ...explained,
  ...(hint === undefined ? {} : { hint }),
  ...(proposal === undefined ? {} : { proposal }),
})

/** The parameter that makes the question invalid. */
function fieldIn({ to, origin, requestedHeaders }: RequestQuestion): string | undefined {
  const isControl = (value = ''): boolean => /[\0-\x1f\x7f]/.test(value)
  if (to.kind === 'bucket' && !isBucketName(to.bucket)) return 'bucket'
  if (to.path !== undefined && !to.path.startsWith('/')) return 'path'
  if (isControl(origin) || origin === undefined || origin === '') return 'origin'
  return isControl(requestedHeaders) ? 'headers' : undefined
}

/** Returns an error message if the query is not valid. */
function readQuestion(query: URLSearchParams): RequestQuestion | string {
  for (const name of query.keys())
    if (!parameters.has(name))
      return `Unknown parameter ${JSON.stringify(name)}; use ${[...parameters].join(', ')}.`
  for (const name of parameters)
    if (name !== 'headers' && query.getAll(name).length > 1) return `The parameter ${name} is given twice.`
  const to = readDestination(query)
  if (typeof to === 'string') return to
  const actual = query.get('actual') ?? 'false'
  if (!/^(?:|1|0|true|false)$/.test(actual)) return 'The parameter actual must be true or false.'
  const method = query.get('method')
  if (method === null) return 'The parameter method is missing, for example method=PUT.'
  return {
    to,
    origin: query.get('origin') ?? undefined,
    method: fetchMethod(method),
    requestedHeaders: readHeaders(query.getAll('headers').join(',')),
    actual: actual === '' || actual === '1' || actual === 'true',
  }
}

function readDestination(query: URLSearchParams): Destination | string {
  const bucket = query.get('bucket')
  const host = query.get('host')
  const path = query.get('path')
  if (bucket !== null && host === null)
    return { kind: 'bucket', bucket, ...(path === null || path === '' ? {} : { path }) }
  if (bucket === null && host !== null) return { kind: 'host', host, path: path ?? '/' }
  return 'Name the bucket (bucket=, and path= for an object in it), or give host= and path= as a client sends them.'
}

/** Formats the names as a browser does. A value that is not a list of names stays as it is. */
function readHeaders(value: string): string | undefined {
  const names = value.split(',').map((name) => name.trim())
  return names.every((name) => /^[\w!#$%&'*+.^`|~-]*$/.test(name)) ? browserHeaderList(names) : value
}

/** Example request ids in the format of real ones. */
function exampleIdentity(now: number): RequestIdentity {
  return {
    unixSeconds: Math.floor(now / 1000),
    node: 0,
    process: 0,
    sequence: 0x1000000,
    isoTime,
    randomHex: (length) =>
      randomBytes(Math.ceil(length / 2))
        .toString('hex')
        .slice(0, length),
  }
}
