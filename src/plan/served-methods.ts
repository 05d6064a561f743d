import { isAllowable, type Matching } from '../cors/rule.ts'
import type { RequestDefect } from '../http.ts'

/** The standard methods, and those of WebDAV (RFC 4918), which some stores also speak. */
const usual = [
  'GET',
  'HEAD',
  'PUT',
  'POST',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
] as const

/**
 * Methods of WebDAV extensions (RFC 3253, 3744, 4791, 5323, 5842) and of other protocols, as far as Node's parser
 * accepts them.
 */
const further = [
  'ACL',
  'BIND',
  'CHECKOUT',
  'LINK',
  'M-SEARCH',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'NOTIFY',
  'PURGE',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'SUBSCRIBE',
  'UNBIND',
  'UNLINK',
  'UNSUBSCRIBE',
] as const

const usualMethods: ReadonlySet<string> = new Set(usual)

/** Why `method` is not served; `undefined` when it is. */
export function methodDefect(method: string, matching: Matching): RequestDefect | undefined {
  if (usualMethods.has(method) || (matching.methods === 'sendable' && isAllowable(method, matching)))
    return undefined
  return {
    status: 405,
    code: 'MethodNotAllowed',
    message: 'The specified method is not allowed against this resource.',
  }
}

/** The value of Allow in a 405 (RFC 9110 section 15.5.6). */
export const servedMethods = ({ methods }: Matching): string =>
  (methods === 'sendable' ? [...usual, ...further] : usual).join(', ')
