import type { AddressInfo } from 'node:net'
import { upstream } from '../settings/address.ts'
import type { Settings } from '../settings/settings.ts'

/** The store in the form of `--upstream`. */
export const storeOf = (settings: Settings): string => upstream.show(settings.upstream)

/** URL of the data port for clients on this machine. */
export function endpointOf(settings: Settings, address: AddressInfo | undefined): string {
  const { host } = settings.listen
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${settings.tlsCert === undefined ? 'http' : 'https'}://${name}:${address?.port ?? settings.listen.port}`
}
