import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'

/** Why a request to the console or to `/-/…` is not answered, and with which status. */
interface AccessRefusal {
  readonly status: 401 | 403
  readonly message: string
}

/** Longest token file that is read. */
const maxTokenBytes = 4096

/**
 * Whether `request` may see the rules: a caller on this machine, or whoever has the token of `tokenFile`. Browsers on
 * this machine send requests for any web site that is open in them, so being local is not enough: Host must be a name
 * of this machine (DNS rebinding), nothing may have passed the request on, and no other site may have made it.
 */
export async function refuseAccess(
  request: IncomingMessage,
  tokenFile: string | undefined,
): Promise<AccessRefusal | undefined> {
  const bearer = /^Bearer +([^\s]{1,4096})$/i.exec(request.headers.authorization ?? '')?.[1]
  if (bearer !== undefined && tokenFile !== undefined) {
    const token = await readToken(tokenFile)
    return token !== undefined && sameText(bearer, token)
      ? undefined
      : { status: 401, message: 'The bearer token is not the one of --admin-token-file.' }
  }
  const foreign = whyForeign(request)
  if (foreign === undefined) return undefined
  return tokenFile === undefined
    ? { status: 403, message: `${foreign} Give --admin-token-file to open this to other callers.` }
    : { status: 401, message: `${foreign} Other callers need the bearer token of --admin-token-file.` }
}

/** Read for every call, so that a token that was changed counts at once; an empty or unreadable file is no token. */
async function readToken(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file)
    if (size > maxTokenBytes) return undefined
    const token = (await readFile(file, 'utf8')).trim()
    return token === '' ? undefined : token
  } catch {
    return undefined
  }
}

/** Digests have one length, so the comparison takes one time. */
const sameText = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

function whyForeign(request: IncomingMessage): string | undefined {
  const { headers, socket } = request
  if (!isLoopback(socket.remoteAddress)) return 'Only callers on this machine are answered.'
  const hosts = headerValues(request, 'host')
  const [host = ''] = hosts
  if (hosts.length !== 1 || !localHost.test(host))
    return 'This server answers to the names localhost, 127.0.0.1 and [::1] only.'
  if (Object.keys(headers).some((name) => name === 'forwarded' || name.startsWith('x-forwarded-')))
    return 'The request was passed on by a proxy.'
  const { origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return 'Another origin may not use this server.'
  // A link on another site may open the console; only the console may use what stands behind it.
  const opened = mode === 'navigate' && request.method === 'GET'
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !opened)
    return 'Another site may not use this server.'
  return undefined
}

const localHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(address)

/** Every line of a header; Node shows only the first of a repeated Host. */
const headerValues = ({ rawHeaders }: IncomingMessage, name: string): string[] =>
  rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
