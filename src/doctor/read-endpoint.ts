import { isIPv6 } from 'node:net'
import type { Endpoint } from './facts.ts'

const urlForm = /^(https?):\/\/([^/?#\\@]*)([/?][^#]*)?(?:#.*)?$/i

/**
 * Splits a URL and keeps its dot segments, because signatures cover the path as sent. URL() would resolve them,
 * escaped ones included. Returns a message when the URL is invalid.
 */
export function readEndpoint(text: string): Endpoint | string {
  const parts = urlForm.exec(text)
  if (parts === null)
    return /^[a-z0-9.-]+(?::\d+)?(?:\/|$)/i.test(text)
      ? `${JSON.stringify(text)} has no scheme: write https://${text} or http://${text}`
      : `${JSON.stringify(text)} is not a URL: write https://HOST/BUCKET/OBJECT`
  const [, scheme = '', authority = '', rest = '/'] = parts
  const secure = scheme.toLowerCase() === 'https'
  const named = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(authority)
  if (named === null) return `${JSON.stringify(text)} has no host: write https://HOST/BUCKET/OBJECT`
  const [, written = '', digits] = named
  const host = hostOf(written)
  if (host === undefined)
    return `${JSON.stringify(written)} is not a host name: write an international name as xn--…`
  const port = digits === undefined ? (secure ? 443 : 80) : Number(digits)
  if (port < 1 || port > 65_535) return `port ${port} is out of range: write 1 to 65535`
  const isDefault = port === (secure ? 443 : 80)
  const shownHost = host.includes(':') ? `[${host}]` : host
  // Like browsers, encodes only what a request target cannot contain.
  const target = rest
    .toWellFormed()
    .replace(/[^!-~]|["<>`{}]/gu, (character) => encodeURIComponent(character))
  return {
    secure,
    host,
    port,
    authority: isDefault ? shownHost : `${shownHost}:${port}`,
    target: target.startsWith('/') ? target : `/${target}`,
  }
}

function hostOf(written: string): string | undefined {
  if (written.startsWith('['))
    return isIPv6(written.slice(1, -1)) ? written.slice(1, -1).toLowerCase() : undefined
  return /^[a-z0-9_](?:[a-z0-9._-]*)$/i.test(written) ? written.toLowerCase() : undefined
}
