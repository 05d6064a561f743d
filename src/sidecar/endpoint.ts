import type { AddressInfo } from 'node:net'
import type { Settings } from '../settings/settings.ts'

/** Where a caller on this machine reaches the data port. */
export function endpointOf(settings: Settings, address: AddressInfo | undefined): string {
  const { host } = settings.listen
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${settings.tlsCert === undefined ? 'http' : 'https'}://${name}:${address?.port ?? settings.listen.port}`
}
