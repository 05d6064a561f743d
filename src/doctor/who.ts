import { visible } from '../text/visible.ts'
import type { Hop } from './codes.ts'
import { type Answer, type Question, valuesOf } from './facts.ts'

/** Who sent a response, as far as the response shows it. */
interface Author {
  readonly hop: Hop
  readonly name: string
}

/**
 * Headers that identify a response of the sidecar or an object store: the sidecar's debug header, and the stores'
 * request ids, some of which the sidecar's dialects copy.
 */
const serviceHeaders = [
  'x-cors-sidecar-decision',
  'x-amz-request-id',
  'x-cos-request-id',
  'x-oss-request-id',
  'x-guploader-uploadid',
  'x-ms-request-id',
]

/** Values of Server that identify proxies and CDNs. */
const proxies: readonly (readonly [RegExp, string])[] = [
  [/^(?:nginx|openresty|tengine)\b/i, 'nginx'],
  [/^caddy\b/i, 'Caddy'],
  [/^(?:istio-)?envoy\b/i, 'Envoy'],
  [/^haproxy\b/i, 'HAProxy'],
  [/^apache\b/i, 'Apache'],
  [/^traefik\b/i, 'Traefik'],
  [/^cloudflare\b/i, 'Cloudflare'],
  [/^cloudfront\b/i, 'CloudFront'],
  [/^awselb\b/i, 'the AWS load balancer'],
  [
    /^(?:varnish|akamaighost|fastly|kong|microsoft-azure-application-gateway|google frontend)\b/i,
    'a proxy or CDN',
  ],
]

/** Error bodies that identify proxies which send no Server header. */
const proxyBodies: readonly (readonly [RegExp, string])[] = [
  [/<center>(?:nginx|openresty|tengine)/i, 'nginx'],
  [/^<html><body><h1>\d{3} [^<]*<\/h1>\n/, 'HAProxy'],
  [
    /^(?:404 page not found\n|Bad Gateway|Gateway Timeout|Service Unavailable|no available server)$/,
    'a proxy',
  ],
]

/** Whether the sidecar or an object store produced the response, behind any number of hops. */
export const isOfService = (answer: Answer): boolean =>
  serviceHeaders.some((name) => valuesOf(answer, name).length > 0) ||
  /<Error>[\s\S]{0,200}<Code>/.test(answer.body)

export const isMinioConsole = (answer: Answer): boolean =>
  valuesOf(answer, 'server').some((value) => /minio console/i.test(value)) ||
  /<title>MinIO (?:Console|Browser)<\/title>/i.test(answer.body)

export const isMinio = (answer: Answer): boolean =>
  valuesOf(answer, 'server').some((value) => /^minio(?:\/|$)/i.test(value))

/** `undefined`: the response does not identify its sender. */
export function authorOf(answer: Answer, sidecarKnown: boolean): Author | undefined {
  if (isMinioConsole(answer)) return { hop: 'store', name: 'the MinIO console' }
  if (isOfService(answer)) return serviceAuthor(answer, sidecarKnown)
  return proxyAuthor(answer) ?? (isMinio(answer) ? { hop: 'store', name: 'MinIO' } : undefined)
}

function serviceAuthor(answer: Answer, sidecarKnown: boolean): Author {
  if (valuesOf(answer, 'x-cors-sidecar-decision').length > 0) return { hop: 'sidecar', name: 'the sidecar' }
  if (isMinio(answer)) return { hop: 'store', name: 'MinIO' }
  return sidecarKnown
    ? { hop: 'sidecar', name: 'the sidecar' }
    : { hop: 'store', name: 'the store or the sidecar' }
}

export function proxyAuthor(answer: Answer): Author | undefined {
  const servers = valuesOf(answer, 'server')
  const name =
    proxies.find(([pattern]) => servers.some((value) => pattern.test(value)))?.[1] ??
    proxyBodies.find(([pattern]) => pattern.test(answer.body))?.[1] ??
    (valuesOf(answer, 'cf-ray').length > 0 ? 'Cloudflare' : undefined) ??
    (valuesOf(answer, 'x-amz-cf-id').length > 0 ? 'CloudFront' : undefined)
  return name === undefined ? undefined : { hop: 'proxy', name }
}

/** The text of an element of an XML error; `undefined` without one. */
export function xmlText({ body }: Answer, name: string): string | undefined {
  const found = new RegExp(`<${name}>([^<]{1,2000})</${name}>`).exec(body)?.[1]
  return found
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll(/&(?:apos|#39);/g, "'")
    .replaceAll('&amp;', '&')
}

export const nameOf = (question: Question, answer: Answer): string =>
  authorOf(answer, question.sidecarKnown)?.name ?? 'an unidentified server'

/** Untrusted text for a message: one line of about 200 characters, without its final period, which the message adds. */
export function shown(text: string): string {
  const line = visible(text.replace(/\s+/g, ' ').trim())
  const short = line.length > 200 ? `${line.slice(0, 200)}…` : line
  return short.replace(/\.$/, '')
}
