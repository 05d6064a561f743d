/** Hostile and unlucky scenarios without a figure of their own, with their promises. */

import type { Measured } from '../figure.ts'
import { measure as measureAdminAttack } from './admin-attack.ts'
import {
  closingStore,
  deadStore,
  flappingStore,
  resettingStore,
  rudeStore,
  silentStore,
  slowStore,
  unansweredStore,
} from './bad-stores.ts'
import { measure as jumpClock } from './clock-jump.ts'
import { dyingReaders } from './dying-readers.ts'
import { forgedHeads } from './head-forgery.ts'
import { keptConnections, moreThanFiles, pipelinedRequests, silentConnections } from './idle-flood.ts'
import { stalledReaders, stalledReadersOverTls } from './memory-limit.ts'
import { realStores } from './real-stores.ts'
import { slowHeaders, slowUploads, stoppedReaders, unfinishedHandshakes } from './slowloris.ts'
import { measure as useSmallHeap } from './small-heap.ts'
import { measure as loseName } from './unresolvable-store.ts'

export interface Scenario {
  readonly name: string
  readonly promise: string
  /** Connections, requests, rounds or seconds, depending on the scenario. */
  readonly count: number
  readonly nightlyCount: number
  /** The promise contains a time, so nothing else may run in parallel. */
  readonly isTimed?: true
  readonly measure: (options: { readonly count: number }) => Promise<Measured>
}

const answered =
  'each request gets a 502 or 504 that a page can read, preflights are answered as usual, and no request hangs; the store is used again within 1 s'

export const scenarios: readonly Scenario[] = [
  {
    name: 'slow headers',
    promise: 'disconnected after --headers-timeout; at most 64 KB each; 0 normal requests failed',
    count: 1_000,
    nightlyCount: 2_000,
    isTimed: true,
    measure: slowHeaders,
  },
  {
    name: 'slow uploads',
    promise: 'never disconnected while they continue; at most 96 KB each; 0 normal requests failed',
    count: 500,
    nightlyCount: 2_000,
    measure: slowUploads,
  },
  {
    name: 'stalled readers',
    promise:
      'disconnected after --idle-timeout, even if they keep sending; at most 384 KB each; 0 normal requests failed',
    count: 200,
    nightlyCount: 500,
    isTimed: true,
    measure: stoppedReaders,
  },
  {
    name: 'stalled readers, in 384 MiB',
    promise: 'the process survives; normal requests are served again within 10 s after the first reader',
    count: 2_000,
    nightlyCount: 4_000,
    isTimed: true,
    measure: stalledReaders,
  },
  {
    name: 'stalled readers, in 384 MiB, over TLS',
    promise: 'the process survives; normal requests are served again within 10 s after the first reader',
    count: 1_500,
    nightlyCount: 3_000,
    isTimed: true,
    measure: stalledReadersOverTls,
  },
  {
    name: 'stalled TLS handshakes',
    promise: 'disconnected after --headers-timeout; 0 normal requests failed',
    count: 300,
    nightlyCount: 2_000,
    isTimed: true,
    measure: unfinishedHandshakes,
  },
  {
    name: 'silent connections',
    promise: 'disconnected after --headers-timeout; at most 32 KB each; 0 normal requests failed',
    count: 1_000,
    nightlyCount: 4_000,
    isTimed: true,
    measure: silentConnections,
  },
  {
    name: 'idle keep-alive connections',
    promise: 'at most 80 KB each; 0 normal requests failed',
    count: 1_000,
    nightlyCount: 2_000,
    measure: keptConnections,
  },
  {
    name: 'pipelined requests',
    promise: 'at most 256 KB for each connection, no matter how much is sent; 0 normal requests failed',
    count: 50,
    nightlyCount: 500,
    measure: pipelinedRequests,
  },
  {
    name: 'more connections than files',
    promise:
      '0 health checks and 0 requests on existing connections failed; new connections are served within 1 s afterwards',
    count: 600,
    nightlyCount: 2_000,
    measure: moreThanFiles,
  },
  {
    name: 'an admin port under attack',
    promise:
      'p99 of the data port within 50 ms of idle, at most 96 MB more, every probe answered, no death with the heap of the manifests',
    count: 40,
    nightlyCount: 200,
    isTimed: true,
    measure: measureAdminAttack,
  },
  { name: 'a dead store', promise: answered, count: 90, nightlyCount: 1_000, measure: deadStore },
  { name: 'a silent store', promise: answered, count: 90, nightlyCount: 1_000, measure: silentStore },
  {
    name: 'a slow store',
    promise: 'every answer is complete and unchanged, no matter how slow',
    count: 60,
    nightlyCount: 600,
    measure: slowStore,
  },
  {
    name: 'a store whose queue is full',
    promise: answered,
    count: 60,
    nightlyCount: 600,
    measure: unansweredStore,
  },
  { name: 'a store that closes', promise: answered, count: 90, nightlyCount: 1_000, measure: closingStore },
  { name: 'a store that resets', promise: answered, count: 90, nightlyCount: 1_000, measure: resettingStore },
  { name: 'a store that breaks HTTP', promise: answered, count: 90, nightlyCount: 1_000, measure: rudeStore },
  {
    name: 'a store that sends a body to HEAD',
    promise: '0 answers of other clients are forged, and none fails',
    count: 8,
    nightlyCount: 60,
    measure: forgedHeads,
  },
  {
    name: 'a store that goes down and up every 200 ms',
    promise:
      'each answer is complete, or a 502 or 504 that a page can read; the store is used again within 1 s',
    count: 300,
    nightlyCount: 3_000,
    measure: flappingStore,
  },
  {
    name: 'real stores',
    promise:
      'nginx, MinIO and versitygw, as installed: 0 answers wrong, every byte as written, during reloads',
    count: 50,
    nightlyCount: 1_000,
    measure: realStores,
  },
  {
    name: 'readers of rule files that die',
    promise: '0 requests failed, the rules before stay, the next change is live within 10 s',
    count: 6,
    nightlyCount: 60,
    measure: dyingReaders,
  },
  {
    name: 'a name that does not resolve',
    promise:
      '502, or 504 if the resolver does not answer, with CORS headers; the store is used again within 1 s',
    count: 40,
    nightlyCount: 500,
    measure: loseName,
  },
  {
    name: 'a clock that jumps',
    promise: '0 requests failed, reloads within 2 s, signatures are checked by the changed clock',
    count: 1,
    nightlyCount: 10,
    measure: jumpClock,
  },
  {
    name: 'a heap of 64 MB',
    promise: '1,000 buckets, reloads, streams and 200 connections: 0 failed requests, no crash',
    count: 10,
    nightlyCount: 300,
    measure: useSmallHeap,
  },
]
