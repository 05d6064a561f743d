import type { IncomingMessage } from 'node:http'

/** A request to the demo's page server that is not served, and what to say instead. */
interface Refusal {
  readonly status: 403 | 421
  readonly message: string
}

/**
 * Why a request is not one of the demo's own page, `undefined` when it is. The page server listens on loopback, but any
 * web site that the user has open can send requests there: a foreign name for this address (DNS rebinding) is seen in
 * Host, a request by another origin in Sec-Fetch-Site and Origin. `origins` are the page's own.
 */
export function refuseForeign(request: IncomingMessage, origins: readonly string[]): Refusal | undefined {
  const { host, origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers
  if (!isLoopback(request.socket.remoteAddress))
    return { status: 403, message: 'Only callers on this machine are answered.' }
  if (host === undefined || !origins.includes(`http://${host.toLowerCase()}`))
    return { status: 421, message: 'This server does not answer to that name.' }
  if (origin !== undefined && !origins.includes(origin))
    return { status: 403, message: 'Another origin may not use this server.' }
  // A link on another site may open the page; only the page itself may use what stands behind it.
  const opened = mode === 'navigate' && request.method === 'GET'
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !opened)
    return { status: 403, message: 'Another site may not use this server.' }
  if (request.method !== 'GET' && request.method !== 'HEAD' && origin === undefined)
    return { status: 403, message: 'A change needs the Origin of the page.' }
  return undefined
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(address)
}
