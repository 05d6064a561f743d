import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Milliseconds that a sign-in lasts. */
const lifetime = 12 * 3_600_000

const cookieName = 'cors_sidecar_session'

/** Sessions of the console. Nothing is kept: a cookie holds its end, signed with the token, so a new token ends them all. */
export interface Sessions {
  /** The value of Set-Cookie for who has signed in with `token`. */
  begin(request: IncomingMessage, token: string): string
  /** Whether `request` carries a cookie that was given for `token` and has not expired. */
  isOpen(request: IncomingMessage, token: string): boolean
}

export function createSessions(now: () => number = Date.now): Sessions {
  // Of this process alone: a cookie can be forged only by somebody who reads its memory, not by guessing the token.
  const secret = randomBytes(32)
  const signed = (until: string, token: string): string =>
    createHmac('sha256', Buffer.concat([secret, createHash('sha256').update(token).digest()]))
      .update(until)
      .digest('base64url')
  return {
    begin(request, token) {
      const until = String(now() + lifetime)
      return cookie(request, `${until}.${signed(until, token)}`, lifetime / 1000)
    },
    isOpen(request, token) {
      return cookiesOf(request).some((value) => {
        const [until = '', signature = ''] = value.split('.')
        return Number(until) > now() && sameText(signature, signed(until, token))
      })
    },
  }
}

/** The value of Set-Cookie that ends a session. */
export const endedSession = (request: IncomingMessage): string => cookie(request, '', 0)

/** https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis: Strict keeps it from requests of other sites. */
function cookie({ headers }: IncomingMessage, value: string, seconds: number): string {
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''
  return `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`
}

/** Ports of one host share their cookies, so there may be several of the name. */
const cookiesOf = ({ headers }: IncomingMessage): string[] =>
  (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim().split('=', 2))
    .flatMap(([name, value]) => (name === cookieName && value !== undefined ? [value] : []))

/** Digests have one length, so the comparison takes one time. */
export const sameText = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
