/** The settings that name a place on the network: the store, the two ports, host suffixes. */

import { isIPv4, isIPv6 } from 'node:net'
import { defect, quote, type Reading, type ValueKind, value } from './value.ts'

/** Where the store listens. `host` is a lower-case name or an address, IPv6 without its brackets. */
export type Upstream =
  | { readonly kind: 'tcp'; readonly secure: boolean; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** Where a port of ours listens. `host` as in `Upstream`; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** The longest path that fits `sun_path` on Linux, without its final NUL (unix(7)). */
const maxSocketPath = 107

const upstreamForms = 'http://HOST:PORT, https://HOST:PORT or unix:/path/to.sock'

/** The store's URL: scheme, host and port, or the socket's path; nothing more, so that targets can pass as they are. */
export const upstream: ValueKind<Upstream | undefined> = {
  read(text) {
    // Before any message that quotes the text: what stands before an @ may be a password.
    if (text.includes('@'))
      return defect(
        `it holds a user name or password, which the proxy has no use for (requests carry their own signatures): write ${upstreamForms}`,
      )
    if (/^unix:/i.test(text)) return readSocket(text)
    const parts = /^(https?):\/\/([^/?#\\]*)(.*)$/i.exec(text)
    if (parts === null) return defect(wrongScheme(text))
    const [, scheme = '', authority = '', rest = ''] = parts
    const secure = scheme.toLowerCase() === 'https'
    const store = readAuthority(text, authority, secure)
    if (store.kind === 'defect' || rest === '' || rest === '/') return store
    return defect(surplus(text, `${scheme.toLowerCase()}://${authority}`, rest))
  },
  show(store) {
    if (store === undefined) return ''
    if (store.kind === 'unix') return `unix:${store.path}`
    return `${store.secure ? 'https' : 'http'}://${showHostPort(store)}`
  },
}

function readSocket(text: string): Reading<Upstream> {
  const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
  if (!path.startsWith('/') || path.startsWith('//') || path.endsWith('/'))
    return defect(`${quote(text)} has no absolute path of a socket: write unix:/path/to.sock`)
  if (Buffer.byteLength(path) > maxSocketPath)
    return defect(
      `the path of the socket is longer than ${maxSocketPath} bytes, which no socket can have: use a shorter one`,
    )
  return value({ kind: 'unix', path })
}

function wrongScheme(text: string): string {
  if (!text.includes(':/') && splitAuthority(text, 80) !== undefined)
    return `${quote(text)} has no scheme: write http://${text} or https://${text}`
  return `${quote(text)} is not a URL that a store can have: write ${upstreamForms}`
}

function surplus(text: string, base: string, rest: string): string {
  const what = rest.startsWith('/')
    ? 'path'
    : rest.startsWith('?')
      ? 'query'
      : rest.startsWith('#')
        ? 'fragment'
        : undefined
  if (what === undefined) return `${quote(text)} has a backslash in it: write ${upstreamForms}`
  return `${quote(text)} has a ${what}: request targets are signed and therefore forwarded byte for byte, nothing can be put before or after them: write ${base}`
}

function readAuthority(text: string, authority: string, secure: boolean): Reading<Upstream> {
  const parts = splitAuthority(authority, secure ? 443 : 80)
  if (parts === undefined) return defect(`${quote(text)} has no host name or address: write ${upstreamForms}`)
  if (parts.port < 1 || parts.port > 65_535)
    return defect(`port ${parts.port} is out of range: write 1 to 65535`)
  return value({ kind: 'tcp', secure, host: parts.host, port: parts.port })
}

/** `HOST:PORT`; `:PORT` means every IPv4 address of the machine, as in the default of `--listen`. */
export const listenAddress: ValueKind<ListenAddress> = {
  read(text) {
    const parts =
      text.startsWith(':') && !text.startsWith('::') ? splitAuthority(`0.0.0.0${text}`) : splitAuthority(text)
    if (parts === undefined) return defect(wrongAddress(text))
    if (parts.port > 65_535)
      return defect(`port ${parts.port} is out of range: write 0 to 65535 (0 takes a free one)`)
    return value(parts)
  },
  show: showHostPort,
}

function wrongAddress(text: string): string {
  if (isIPv6(text)) return `${quote(text)} is an IPv6 address alone: write [${text}]:8080`
  if (/^[0-9]{1,5}$/.test(text))
    return `${quote(text)} is a port alone: write 127.0.0.1:${text} or 0.0.0.0:${text}`
  return `${quote(text)} is not HOST:PORT: write it like 0.0.0.0:8080, :8080 or [::1]:8080`
}

function showHostPort(address: ListenAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** The name after `BUCKET.` in Host, in lower case, without a dot before or after it. */
export const hostSuffix: ValueKind<string> = {
  read(text) {
    const name = text.toLowerCase().replace(/^\./, '').replace(/\.$/, '')
    if (name.includes('*'))
      return defect(
        `${quote(text)} has a wildcard: write the name alone, such as s3.example.com for *.s3.example.com`,
      )
    if (isIPv4(name) || isIPv6(name) || name.startsWith('['))
      return defect(
        `${quote(text)} is an address, before which no bucket can stand: write a host name, such as s3.example.com`,
      )
    if (/:[0-9]*$/.test(name))
      return defect(
        `${quote(text)} has a port: write the name alone, because the port of Host does not matter`,
      )
    return isHostName(name) && isAscii(text)
      ? value(name)
      : defect(`${quote(text)} is not a host name: write one such as s3.example.com`)
  },
  show: (name) => name,
}

/** Host and port of `HOST[:PORT]`; `undefined` without a usable host, or without port and `defaultPort`. */
function splitAuthority(text: string, defaultPort?: number): ListenAddress | undefined {
  const parts = /^(\[[0-9A-Fa-f:.]{2,45}\]|[^:[\]]+)(?::([0-9]{1,6}))?$/.exec(text)
  if (parts === null) return undefined
  const [, written = '', digits] = parts
  const host = readHost(written)
  const port = digits === undefined ? defaultPort : Number(digits)
  return host === undefined || port === undefined ? undefined : { host, port }
}

function readHost(written: string): string | undefined {
  if (!isAscii(written)) return undefined
  const host = written.toLowerCase()
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1)) ? host.slice(1, -1) : undefined
  return isIPv4(host) || isHostName(host.replace(/\.$/, '')) ? host : undefined
}

/** Asked of what was written: some letters beyond ASCII, such as the Kelvin sign, have a lower case within it. */
const isAscii = (text: string): boolean => /^[!-~]*$/.test(text)

/** RFC 1123 section 2.1, with the underscore of container names; a last label of digits alone would be an IPv4 address. */
function isHostName(name: string): boolean {
  return (
    name.length <= 253 &&
    /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?![0-9]+$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(
      name,
    )
  )
}
