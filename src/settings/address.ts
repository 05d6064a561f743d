/** Settings that are network addresses: the store, the two ports, host suffixes. */

import { isIPv4, isIPv6 } from 'node:net'
import { defect, quote, type Reading, type ValueKind, value } from './value.ts'

/** Address of the store. `host` is a lower-case name or an IP address, IPv6 without brackets. */
export type Upstream =
  | { readonly kind: 'tcp'; readonly secure: boolean; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** Address of one of our ports. `host` as in `Upstream`; port 0 selects a free one. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** The longest path that fits `sun_path` on Linux, without its final NUL (unix(7)). */
const maxSocketPath = 107

const upstreamForms = 'http://HOST:PORT, https://HOST:PORT or unix:/path/to.sock'

/**
 * The store's URL: scheme, host and port, or a socket path. Nothing more, because request targets are forwarded
 * unchanged.
 */
export const upstream: ValueKind<Upstream | undefined> = {
  read(text) {
    // The name of a socket may contain an @.
    if (/^unix:\//i.test(text)) return readSocket(text)
    // Checked before what follows, whose messages quote the text: the part before an @ may be a password.
    if (text.includes('@'))
      return defect(
        `it contains a user name or password, which the proxy does not use (requests carry their own signatures): write ${upstreamForms}`,
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
    return defect(`${quote(text)} has no absolute socket path: write unix:/path/to.sock`)
  if (Buffer.byteLength(path) > maxSocketPath)
    return defect(
      `the socket path is longer than ${maxSocketPath} bytes, the system's limit: use a shorter one`,
    )
  return value({ kind: 'unix', path })
}

function wrongScheme(text: string): string {
  if (!text.includes(':/') && splitAuthority(text, 80) !== undefined)
    return `${quote(text)} has no scheme: write http://${text} or https://${text}`
  return `${quote(text)} is not the URL of a store: write ${upstreamForms}`
}

function surplus(text: string, base: string, rest: string): string {
  const what = rest.startsWith('/')
    ? 'path'
    : rest.startsWith('?')
      ? 'query'
      : rest.startsWith('#')
        ? 'fragment'
        : undefined
  if (what === undefined) return `${quote(text)} contains a backslash: write ${upstreamForms}`
  return `${quote(text)} has a ${what}: request targets are signed and therefore forwarded byte for byte, so nothing can be added to them: write ${base}`
}

function readAuthority(text: string, authority: string, secure: boolean): Reading<Upstream> {
  const parts = splitAuthority(authority, secure ? 443 : 80)
  if (parts === undefined)
    return defect(`${quote(text)} has no valid HOST or HOST:PORT: write ${upstreamForms}`)
  if (parts.port < 1 || parts.port > 65_535)
    return defect(`port ${parts.port} is out of range: write 1 to 65535`)
  return value({ kind: 'tcp', secure, host: parts.host, port: parts.port })
}

/** `HOST:PORT`. `:PORT` means every IPv4 address of the machine, as in the default of `--listen`. */
export const listenAddress: ValueKind<ListenAddress> = {
  read(text) {
    const parts =
      text.startsWith(':') && !text.startsWith('::') ? splitAuthority(`0.0.0.0${text}`) : splitAuthority(text)
    if (parts === undefined) return defect(wrongAddress(text))
    if (parts.port > 65_535)
      return defect(`port ${parts.port} is out of range: write 0 to 65535 (0 selects a free port)`)
    return value(parts)
  },
  show: showHostPort,
}

function wrongAddress(text: string): string {
  if (isIPv6(text)) return `${quote(text)} is an IPv6 address without a port: write [${text}]:8080`
  if (/^[0-9]{1,5}$/.test(text))
    return `${quote(text)} is a port without an address: write 127.0.0.1:${text} or 0.0.0.0:${text}`
  return `${quote(text)} is not HOST:PORT: write it like 0.0.0.0:8080, :8080 or [::1]:8080`
}

function showHostPort(address: ListenAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

/** The name after `BUCKET.` in Host, in lower case, without leading or trailing dot. */
export const hostSuffix: ValueKind<string> = {
  read(text) {
    const name = text.toLowerCase().replace(/^\./, '').replace(/\.$/, '')
    if (name.includes('*'))
      return defect(
        `${quote(text)} has a wildcard: write only the name, such as s3.example.com for *.s3.example.com`,
      )
    if (isIPv4(name) || isIPv6(name) || name.startsWith('['))
      return defect(
        `${quote(text)} is an IP address, which cannot have a bucket name before it: write a host name, such as s3.example.com`,
      )
    if (/:[0-9]*$/.test(name))
      return defect(`${quote(text)} has a port: write only the name, because the port in Host is ignored`)
    return isHostName(name) && isAscii(text)
      ? value(name)
      : defect(`${quote(text)} is not a host name: write one such as s3.example.com`)
  },
  show: (name) => name,
}

/**
 * Splits `HOST[:PORT]`; `undefined` when the host is unusable, or when there is neither a port nor a `defaultPort`.
 */
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

/**
 * Checked before lower-casing, because some letters beyond ASCII, such as the Kelvin sign, have an ASCII lower
 * case.
 */
const isAscii = (text: string): boolean => /^[!-~]*$/.test(text)

/**
 * RFC 1123 section 2.1, plus the underscores of container names. A last label of digits alone would make it an IPv4
 * address.
 */
function isHostName(name: string): boolean {
  return (
    name.length <= 253 &&
    /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?![0-9]+$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(
      name,
    )
  )
}
