import type { StoreHealth } from '../requests/store-health.ts'
import { json, type Reply } from './reply.ts'
import type { StoreView } from './shapes.ts'

/** The store behind the sidecar, as `/-/store` shows it. */
export interface StoreShown {
  /** As `--upstream` names it. */
  readonly address: string
  readonly health: () => StoreHealth
  /** Asks the store when no request has lately shown how it is. Never rejects. */
  readonly probe: () => Promise<void>
}

/** `/-/store`: whether the store answers, since when, and the last error. */
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
