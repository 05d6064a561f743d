import type { StoreHealth } from '../requests/store-health.ts'
import { json, type Reply } from './reply.ts'
import type { StoreView } from './shapes.ts'

export interface StoreShown {
  /** The value of `--upstream`. */
  readonly address: string
  readonly health: () => StoreHealth
  /** Sends the store a request, unless a recent one has shown its state. Never rejects. */
  readonly probe: () => Promise<void>
}

/** `/-/store`: whether the store is reachable, since when, and the last error. */
export async function storeReply({ address, health, probe }: StoreShown): Promise<Reply> {
  await probe()
  const { state, since, lastAnswer, lastError, failed } = health()
  const view: StoreView = {
    address,
    state,
    since: iso(since),
    ...(lastAnswer === undefined ? {} : { lastAnswer: iso(lastAnswer) }),
    ...(lastError === undefined ? {} : { lastError: { ...lastError, time: iso(lastError.time) } }),
    failed,
  }
  return json(200, view)
}

const iso = (time: number): string => new Date(time).toISOString()
