import type { IncomingMessage } from 'node:http'

interface Refusal {
  readonly status: 403 | 421
  readonly message: string
}

/**
 * Refuses requests that do not come from the demo's own page. The page server listens on loopback, but any web site that
 * is open in the browser can send requests there: Host reveals DNS rebinding, and Sec-Fetch-Site and Origin reveal
 * another site. `origins` are those of the page.
 */
export function refuseOtherCallers(
  request: IncomingMessage,
  origins: readonly string[],
): Refusal | undefined {
  const { host, origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers
  if (!isLoopback(request.socket.remoteAddress))
    return { status: 403, message: 'Only callers on this machine may use this server.' }
  if (host === undefined || !origins.includes(`http://${host.toLowerCase()}`))
    return { status: 421, message: 'The Host header does not name this server.' }
  if (origin !== undefined && !origins.includes(origin))
    return { status: 403, message: 'Another origin may not use this server.' }
  // Another site may navigate to any GET path, because it cannot read the result; its scripts may not call one.
  const opened = mode === 'navigate' && request.method === 'GET'
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !opened)
    return { status: 403, message: 'Another site may not use this server.' }
  if (request.method !== 'GET' && request.method !== 'HEAD' && origin === undefined)
    return { status: 403, message: 'A change needs the Origin header of the page.' }
  return undefined
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/.test(address)
}
