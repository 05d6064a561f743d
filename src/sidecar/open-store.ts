import { readFile } from 'node:fs/promises'
import type { StoreShown } from '../admin/store-view.ts'
import { type Connect, createConnect } from '../proxy/connect.ts'
import { createStoreProbe } from '../proxy/probe-store.ts'
import { createStoreHealth, type StoreHealth, type StoreHealthRecord } from '../requests/store-health.ts'
import type { Settings } from '../settings/settings.ts'
import { storeOf } from './endpoint.ts'

/** The store as the admin port shows it. `health` covers this process; `all` adds what other processes know. */
export function openStore(
  settings: Settings,
  all: (own: StoreHealth) => StoreHealth = (own) => own,
): { readonly shown: StoreShown; readonly health: StoreHealthRecord } {
  const health = createStoreHealth()
  const address = storeOf(settings)
  const authority = settings.upstream.kind === 'unix' ? 'localhost' : address.replace(/^.*\/\//, '')
  const current = (): StoreHealth => all(health.current())
  const probe = createStoreProbe({
    connect: () => connectTo(settings),
    authority,
    health: { ...health, current },
  })
  return { shown: { address, health: current, probe }, health }
}

/** Reads the authorities for each probe, because the file may be replaced and only the data path watches it. */
async function connectTo({ upstream, upstreamCa, upstreamTimeout: timeout }: Settings): Promise<Connect> {
  const pem = upstreamCa === undefined ? undefined : await readFile(upstreamCa, 'utf8')
  return createConnect({ upstream, ca: () => pem, timeout })
}
