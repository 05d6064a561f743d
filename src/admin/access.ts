import { readFile, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { type Sessions, sameText } from './session.ts'

/** Why a request to the console or to `/-/…` is not answered, and with which status. */
export interface AccessRefusal {
  readonly status: 401 | 403
  readonly message: string
}

/** Longest token file that is read. */
const maxTokenBytes = 4096

/**
 * Whether `request` may see the rules. With a token file everybody needs the token, local callers too: a proxy on this
 * machine that adds no header makes every caller look local. Without one only local callers are answered.
 */
export async function refuseAccess(
  request: IncomingMessage,
  tokenFile: string | undefined,
  sessions: Sessions,
): Promise<AccessRefusal | undefined> {
  if (tokenFile === undefined) {
    const foreign = whyForeign(request)
    return foreign === undefined
      ? undefined
      : { status: 403, message: `${foreign} Give --admin-token-file to open this to other callers.` }
  }
  const token = await readToken(tokenFile)
  if (token === undefined)
    return { status: 401, message: 'The file of --admin-token-file holds no token that could be compared.' }
  const bearer = /^Bearer +([^\s]{1,4096})$/i.exec(request.headers.authorization ?? '')?.[1]
  if (bearer !== undefined)
    return sameText(bearer, token)
      ? undefined
      : { status: 401, message: 'The bearer token is not the one of --admin-token-file.' }
  if (!sessions.isOpen(request, token))
    return {
      status: 401,
      message: 'Send the token of --admin-token-file as "Authorization: Bearer TOKEN", or sign in at /.',
    }
  const foreign = whyOfAnotherSite(request)
  return foreign === undefined ? undefined : { status: 403, message: foreign }
}

/** Read for every call, so that a token that was changed counts at once; an empty or unreadable file is no token. */
export async function readToken(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file)
    if (size > maxTokenBytes) return undefined
    const token = (await readFile(file, 'utf8')).trim()
    return token === '' ? undefined : token
  } catch {
    return undefined
  }
}

/** What proxies add to a request: Forwarded, X-Forwarded-*, and what nginx, CDNs and load balancers use in their place. */
const proxyHeader =
  /^(?:forwarded|x-forwarded(?:-.*)?|via|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-.*|true-client-ip|cf-.*|fastly-.*|x-envoy-.*|x-azure-.*)$/

/**
 * Browsers on this machine send requests for any web site that is open in them, so being local is not enough: Host must
 * be a name of this machine (DNS rebinding), nothing may have passed the request on, and no other site may have made it.
 */
function whyForeign(request: IncomingMessage): string | undefined {
  const { headers, socket } = request
  if (!isLoopback(socket.remoteAddress)) return 'Only callers on this machine are answered.'
  const hosts = headerValues(request, 'host')
  const [host = ''] = hosts
  if (hosts.length !== 1 || !localHost.test(host))
    return 'This server answers to the names localhost, 127.0.0.1 and [::1] only.'
  if (Object.keys(headers).some((name) => proxyHeader.test(name)))
    return 'The request was passed on by a proxy.'
  const { origin } = headers
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return 'Another origin may not use this server.'
  return whyOfAnotherSite(request)
}

/** Why a request that carries what a browser keeps for this server cannot be its own page's. */
export function whyOfAnotherSite({ headers, method }: IncomingMessage): string | undefined {
  const { origin, host = '', 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers
  // A link on another site may open the console; only the console may use what stands behind it.
  const opened = mode === 'navigate' && method === 'GET'
  if (site !== undefined)
    return site === 'same-origin' || site === 'none' || opened
      ? undefined
      : 'Another site may not use this server.'
  // Without TLS browsers send no Sec-Fetch-Site; a proxy may have changed the scheme and the port.
  const from = origin === undefined ? undefined : URL.parse(origin)?.host
  return origin === undefined || from === host.toLowerCase()
    ? undefined
    : 'Another origin may not use this server.'
}

const localHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(address)

/** Every line of a header; Node shows only the first of a repeated Host. */
const headerValues = ({ rawHeaders }: IncomingMessage, name: string): string[] =>
  rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
