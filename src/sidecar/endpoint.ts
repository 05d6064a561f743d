import type { AddressInfo } from 'node:net'
import { upstream } from '../settings/address.ts'
import type { Settings } from '../settings/settings.ts'

/** The store as `--upstream` names it. */
export const storeOf = (settings: Settings): string => upstream.show(settings.upstream)

/** Where a caller on this machine reaches the data port. */
export function endpointOf(settings: Settings, address: AddressInfo | undefined): string {
  const { host } = settings.listen
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${settings.tlsCert === undefined ? 'http' : 'https'}://${name}:${address?.port ?? settings.listen.port}`
}
