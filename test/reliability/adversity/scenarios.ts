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
import { forgedHeads } from './head-forgery.ts'
import { keptConnections, moreThanFiles, pipelinedRequests, silentConnections } from './idle-flood.ts'
import { stalledReaders, stalledReadersOverTls } from './memory-limit.ts'
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
  'each request is answered with a 502 or 504 that a page can read, preflights as ever, none hangs; served again within 1 s after'

export const scenarios: readonly Scenario[] = [
  {
    name: 'slow headers',
    promise: 'cut off after --headers-timeout, at most 64 KB each, 0 real requests failed',
    count: 1_000,
    nightlyCount: 2_000,
    isTimed: true,
    measure: slowHeaders,
  },
  {
    name: 'slow uploads',
    promise: 'never cut off while they go on, at most 96 KB each, 0 real requests failed',
    count: 500,
    nightlyCount: 2_000,
    measure: slowUploads,
  },
  {
    name: 'readers that stop',
    promise: 'cut off after --idle-timeout whatever they send, at most 384 KB each, 0 real requests failed',
    count: 200,
    nightlyCount: 500,
    isTimed: true,
    measure: stoppedReaders,
  },
  {
    name: 'readers that stop, in 384 MiB',
    promise: 'the process lives; real requests are served again within 10 s after the first reader',
    count: 2_000,
    nightlyCount: 4_000,
    isTimed: true,
    measure: stalledReaders,
  },
  {
    name: 'readers that stop, in 384 MiB, over TLS',
    promise: 'the process lives; real requests are served again within 10 s after the first reader',
    count: 1_500,
    nightlyCount: 3_000,
    isTimed: true,
    measure: stalledReadersOverTls,
  },
  {
    name: 'TLS handshakes that do not go on',
    promise: 'cut off after --headers-timeout, 0 real requests failed',
    count: 300,
    nightlyCount: 2_000,
    isTimed: true,
    measure: unfinishedHandshakes,
  },
  {
    name: 'silent connections',
    promise: 'cut off after --headers-timeout, at most 32 KB each, 0 real requests failed',
    count: 1_000,
    nightlyCount: 4_000,
    isTimed: true,
    measure: silentConnections,
  },
  {
    name: 'kept connections',
    promise: 'at most 80 KB each, 0 real requests failed',
    count: 1_000,
    nightlyCount: 2_000,
    measure: keptConnections,
  },
  {
    name: 'requests sent ahead',
    promise: 'at most 256 KB for each connection, however much is sent, 0 real requests failed',
    count: 50,
    nightlyCount: 500,
    measure: pipelinedRequests,
  },
  {
    name: 'more connections than files',
    promise:
      '0 health checks and 0 requests on standing connections failed, new ones served within 1 s after',
    count: 600,
    nightlyCount: 2_000,
    measure: moreThanFiles,
  },
  {
    name: 'an admin port under attack',
    promise:
      'p99 of the data port within 50 ms of idle, at most 96 MB more, every probe answered, no death with the heap of the manifests',
    count: 40,
    nightlyCount: 400,
    isTimed: true,
    measure: measureAdminAttack,
  },
  { name: 'a dead store', promise: answered, count: 90, nightlyCount: 1_000, measure: deadStore },
  { name: 'a silent store', promise: answered, count: 90, nightlyCount: 1_000, measure: silentStore },
  {
    name: 'a slow store',
    promise: 'every answer whole and unchanged, however slowly it comes',
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
  { name: 'a store that is rude', promise: answered, count: 90, nightlyCount: 1_000, measure: rudeStore },
  {
    name: 'a store that sends a body to HEAD',
    promise: '0 answers of other clients are forged by it, none fails',
    count: 8,
    nightlyCount: 60,
    measure: forgedHeads,
  },
  {
    name: 'a store that flaps each 200 ms',
    promise: 'each answer is whole or a 502 or 504 that a page can read; served again within 1 s after',
    count: 300,
    nightlyCount: 3_000,
    measure: flappingStore,
  },
  {
    name: 'a name that does not resolve',
    promise: '502, or 504 when the resolver is silent, with CORS headers; served again within 1 s after',
    count: 40,
    nightlyCount: 500,
    measure: loseName,
  },
  {
    name: 'a clock that jumps',
    promise: '0 requests failed, reloads within 2 s, signatures judged by the clock as it is',
    count: 1,
    nightlyCount: 10,
    measure: jumpClock,
  },
  {
    name: 'a heap of 64 MB',
    promise: '1,000 buckets, reloads, streams and 200 connections: 0 failed, no death',
    count: 10,
    nightlyCount: 300,
    measure: useSmallHeap,
  },
]
