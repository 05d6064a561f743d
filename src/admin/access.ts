import { readFile, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { type Sessions, sameText } from './session.ts'

export interface AccessRefusal {
  readonly status: 401 | 403
  readonly message: string
}

/** A longer token file counts as one without a token. */
const maxTokenBytes = 4096

/**
 * Refuses callers that may not see the rules. With a token file, local callers need the token too, because a proxy on
 * this machine that adds no header makes every caller look local. Without one, only local callers get an answer.
 */
export async function refuseAccess(
  request: IncomingMessage,
  tokenFile: string | undefined,
  sessions: Sessions,
): Promise<AccessRefusal | undefined> {
  if (tokenFile === undefined) {
    const reason = whyNotLocal(request)
    return reason === undefined
      ? undefined
      : {
          status: 403,
          message: `${reason} Start the sidecar with --admin-token-file to allow other callers.`,
        }
  }
  const token = await readToken(tokenFile)
  if (token === undefined)
    return {
      status: 401,
      message:
        'The file of --admin-token-file is missing, unreadable, empty or longer than 4096 bytes: make it a readable file that contains only the token.',
    }
  const bearer = /^Bearer +([^\s]{1,4096})$/i.exec(request.headers.authorization ?? '')?.[1]
  if (bearer !== undefined)
    return sameText(bearer, token)
      ? undefined
      : { status: 401, message: 'The bearer token does not match the one in --admin-token-file.' }
  if (!sessions.isOpen(request, token))
    return {
      status: 401,
      message: 'Send the token of --admin-token-file as "Authorization: Bearer TOKEN", or sign in at /.',
    }
  const reason = whyCrossSite(request)
  return reason === undefined ? undefined : { status: 403, message: reason }
}

/**
 * Reads the file for every request, so that a new token works at once. `undefined`: the file is empty, too long or
 * unreadable.
 */
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

/** Headers that a proxy adds: Forwarded, X-Forwarded-*, and those of nginx, CDNs and load balancers. */
const proxyHeader =
  /^(?:forwarded|x-forwarded(?:-.*)?|via|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-.*|true-client-ip|cf-.*|fastly-.*|x-envoy-.*|x-azure-.*)$/

/**
 * A local address is not enough, because a browser on this machine sends requests for any web site that is open in it.
 * Host must name this machine (against DNS rebinding), no proxy may have forwarded the request, and no other site may
 * have made it.
 */
function whyNotLocal(request: IncomingMessage): string | undefined {
  const { headers, socket } = request
  if (!isLoopback(socket.remoteAddress)) return 'Only callers on this machine may use this server.'
  const hosts = headerValues(request, 'host')
  const [host = ''] = hosts
  if (hosts.length !== 1 || !localHost.test(host))
    return 'The Host header must be localhost, 127.0.0.1 or [::1].'
  if (Object.keys(headers).some((name) => proxyHeader.test(name))) return 'A proxy forwarded the request.'
  const { origin } = headers
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return 'Another origin may not use this server.'
  return whyCrossSite(request)
}

/** Why the request comes from another site; `undefined` if the console's own page, or no page, may have sent it. */
export function whyCrossSite({ headers, method }: IncomingMessage): string | undefined {
  const { origin, host = '', 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers
  // A link on another site may open the console, so it may navigate; only the console's own pages may use fetch().
  const opened = mode === 'navigate' && method === 'GET'
  if (site !== undefined)
    return site === 'same-origin' || site === 'none' || opened
      ? undefined
      : 'Another site may not use this server.'
  // Browsers send Sec-Fetch-Site only to HTTPS and loopback URLs (https://w3c.github.io/webappsec-fetch-metadata/). Only
  // the host is compared, because a proxy may have changed the scheme.
  const from = origin === undefined ? undefined : URL.parse(origin)?.host
  return origin === undefined || from === host.toLowerCase()
    ? undefined
    : 'Another origin may not use this server.'
}

const localHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(address)

/** Every value of a header. `request.headers` has only the first of a repeated Host. */
const headerValues = ({ rawHeaders }: IncomingMessage, name: string): string[] =>
  rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
