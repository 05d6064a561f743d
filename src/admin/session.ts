import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Milliseconds from sign-in to expiry. */
const lifetime = 12 * 3_600_000

const cookieName = 'cors_sidecar_session'

/**
 * Stateless: a cookie contains its expiry and is signed with the token and a random key of this process, so a new token
 * or a restart ends all sessions.
 */
export interface Sessions {
  /** The value of Set-Cookie after a sign-in with `token`. */
  begin(request: IncomingMessage, token: string): string
  /** Whether `request` has a cookie that was issued for `token` and has not expired. */
  isOpen(request: IncomingMessage, token: string): boolean
}

export function createSessions(now: () => number = Date.now): Sessions {
  // A random key of this process is part of the signature, so a guessed token is not enough to forge a cookie.
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

export const endedSession = (request: IncomingMessage): string => cookie(request, '', 0)

/**
 * SameSite=Strict: browsers do not send the cookie with requests of other sites
 * (https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis).
 */
function cookie({ headers }: IncomingMessage, value: string, seconds: number): string {
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : ''
  return `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`
}

/**
 * A parent domain or another path can set a cookie with the same name, so all of them are tried
 * (https://www.rfc-editor.org/rfc/rfc6265#section-5.4).
 */
const cookiesOf = ({ headers }: IncomingMessage): string[] =>
  (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim().split('=', 2))
    .flatMap(([name, value]) => (name === cookieName && value !== undefined ? [value] : []))

/** Compares digests, which have equal lengths, in constant time. */
export const sameText = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
