import type { Dialect, RefusedPreflight, StoreError } from './dialect.ts'
import { createRequestIds, hex, lenientForm } from './dialect.ts'

const vary = { matched: ['Origin'], other: ['Origin'] } as const

const requestId = createRequestIds(
  ({ node }, rest) => hex(node, 8) + hex(rest, 5),
  (digits) => digits,
)

/**
 * Stores that speak plain HTTP: WebDAV, tus, any file server. Headers have the form that the Fetch standard parses,
 * and no vendor header is sent.
 */
export const http: Dialect = {
  name: 'http',
  signature: () => [],
  limits: { rules: 100, bytes: 65_536 },
  style: { separator: ', ', allowHeaders: 'requested', credentials: 'by-rule', maxAgeUnset: undefined },
  // WebDAV clients use OPTIONS to discover what a server supports (RFC 4918 section 10.1).
  matching: { methods: 'sendable', actualMethod: 'own', plainOptions: 'request' },
  refusesUnderscore: false,
  form: lenientForm,
  preflightStatus: 204,
  vary: () => vary,
  requestId,
  refusal,
  error: ({ status, message }) => ({
    status,
    headers: ['Content-Type', 'text/plain; charset=utf-8'],
    body: `${message}\n`,
  }),
  bucketCors: undefined,
}

function refusal({ bucket }: RefusedPreflight): StoreError {
  const message =
    bucket === 'configured'
      ? 'This cross-origin request is not allowed: no CORS rule allows its origin, method and headers together.'
      : 'This cross-origin request is not allowed: there are no CORS rules for it.'
  return { status: 403, code: 'AccessForbidden', message }
}
