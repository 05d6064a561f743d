import { type CorsQuestion, readActual, readPreflight } from '../cors/request.ts'
import type { RequestFacts } from '../http.ts'
import { readRequestLine } from '../log/read-request-line.ts'
import { isBucketName, resolveAddress } from '../plan/address.ts'
import { factsOf, type RequestRecord } from '../requests/kept-request.ts'
import { readForeignLine } from './foreign-lines.ts'

/** The parts of a logged CORS request that rules depend on. */
interface LoggedQuestion {
  readonly bucket: string
  readonly origin: string
  readonly method: string
  /** Names that the page asked for or set, in lower case. */
  readonly headers: readonly string[]
  /** `undefined`: the log does not say. */
  readonly refused: boolean | undefined
}

/** What the pages of one origin did with one bucket. */
export interface OriginTraffic {
  readonly bucket: string
  readonly origin: string
  readonly requests: number
  /** Requests that were refused when they were logged. */
  readonly refused: number
  /** Requests with a method or header that no rule may allow. */
  readonly notAllowable: number
  readonly methods: ReadonlySet<string>
  readonly headers: ReadonlySet<string>
}

/** Why a line is not used for a rule. */
export const unusedReasons = ['no-cors', 'not-json', 'cut', 'malformed', 'no-bucket'] as const
export type UnusedReason = (typeof unusedReasons)[number]

interface Endpoints {
  readonly hosts: ReadonlyMap<string, string>
  readonly suffixes: readonly string[]
}

/** Reads a line of `serve`, of nginx's JSON log with nginx's variable names, or of MinIO's audit log. */
export function readTraffic(line: string, endpoints: Endpoints): LoggedQuestion | UnusedReason {
  const own = readRequestLine(line)
  if (own === 'not-json') return own
  if (typeof own === 'object')
    return questionOf(own.request, [], own.outcome.bucket, own.outcome.decision === 'deny', endpoints)
  if (own !== 'other') return 'no-cors'
  const foreign = readForeignLine(line)
  return foreign === undefined
    ? 'no-cors'
    : questionOf(foreign.request, foreign.headers, undefined, undefined, endpoints)
}

function questionOf(
  request: RequestRecord,
  sent: readonly string[],
  bucket: string | undefined,
  refused: boolean | undefined,
  endpoints: Endpoints,
): LoggedQuestion | UnusedReason {
  const facts = factsOf(request)
  if (facts === undefined) return 'cut'
  const question = ask(facts)
  if (question === undefined) return 'malformed'
  const name = bucket ?? bucketOf(facts, endpoints)
  if (name === undefined || !isBucketName(name)) return 'no-bucket'
  const { origin, method, headers } = question
  return { bucket: name, origin, method, headers: [...headers, ...sent], refused }
}

function ask(facts: RequestFacts): CorsQuestion | undefined {
  const read =
    facts.method === 'OPTIONS' && facts.requestedMethod !== undefined
      ? readPreflight(facts)
      : readActual(facts)
  return read === undefined || 'what' in read || read.form === 'malformed' ? undefined : read
}

/** A log does not say which other buckets have a rule file. */
const unknownBuckets: ReadonlyMap<string, string> = new Map()

function bucketOf(facts: RequestFacts, { hosts, suffixes }: Endpoints): string | undefined {
  const address = resolveAddress(facts, {
    hosts,
    suffixes,
    buckets: unknownBuckets,
    foldedNames: unknownBuckets,
  })
  return address.kind === 'bucket' ? address.name : undefined
}
