import { type HeaderLines, readFacts } from '../src/http.ts'
import type { Setup } from '../src/plan/judge.ts'
import { plan } from '../src/plan/plan.ts'
import type { Snapshot } from '../src/plan/snapshot.ts'
import type { FinishedRequest } from '../src/requests/finished-request.ts'
import { identity, setup } from './core.ts'

interface Sent {
  readonly method?: string
  readonly target?: string
  readonly headers?: HeaderLines
  readonly setup?: Partial<Setup>
}

/** A finished request, planned by the code that serves. */
export function finished(
  snapshot: Snapshot,
  sent: Sent,
  result: Partial<FinishedRequest> = {},
): FinishedRequest {
  const headers = ['Host', 'store.test', ...(sent.headers ?? [])]
  const facts = readFacts(sent.method ?? 'GET', sent.target ?? '/photos/cat.jpg', '1.1', headers)
  return {
    facts,
    plan: plan(snapshot, { ...setup, ...sent.setup }, facts, identity),
    generation: snapshot.generation,
    client: '127.0.0.1',
    status: 200,
    milliseconds: 1.5,
    upstreamMilliseconds: undefined,
    bytesIn: 0,
    bytesOut: 0,
    upstreamError: undefined,
    aborted: false,
    ...result,
  }
}

export const preflight = (origin: string, method = 'GET', ...headers: string[]): Sent => ({
  method: 'OPTIONS',
  headers: [
    ...['Origin', origin, 'Access-Control-Request-Method', method],
    ...(headers.length === 0 ? [] : ['Access-Control-Request-Headers', headers.join(',')]),
  ],
})
