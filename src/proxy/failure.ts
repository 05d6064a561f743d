/** Classifies failures between sidecar and store, for responses, metrics and logs. */

import type { UpstreamErrorType } from '../requests/finished-request.ts'

export type { UpstreamErrorType } from '../requests/finished-request.ts'

/** No connection to the store could be made. */
export class ConnectError extends Error {
  readonly type: UpstreamErrorType

  constructor(type: UpstreamErrorType, cause?: Error) {
    super(`cannot connect to the store: ${cause?.message ?? type}`, { cause })
    this.type = type
  }

  /** `greeted`: TCP was connected, so TLS failed. */
  static from(cause: Error, greeted: boolean): ConnectError {
    return new ConnectError(greeted ? 'tls' : connectType(codeOf(cause)), cause)
  }
}

function connectType(code: string): UpstreamErrorType {
  if (code === 'ENOTFOUND' || code.startsWith('EAI_') || code === 'ENODATA') return 'dns'
  if (code === 'ETIMEDOUT') return 'timeout'
  if (code === 'ECONNRESET') return 'reset'
  // ECONNREFUSED, EHOSTUNREACH, ENETUNREACH; for a Unix socket ENOENT and EACCES.
  return 'refused'
}

/** Error codes of a closed connection. Every other error of a client means that the response was not valid HTTP. */
const ended = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ENOTCONN', 'ERR_STREAM_PREMATURE_CLOSE'])

/** undici gives two kinds of malformed responses the code of a closed connection. */
const malformed = new Set(['bad response', 'bad upgrade'])

/** Classifies an error of either HTTP client. `begun`: the store's response had begun. */
export function typeOfError(error: Error, begun: boolean): UpstreamErrorType {
  if (error instanceof ConnectError) return error.type
  const code = codeOf(error)
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'timeout'
  if (code === 'UND_ERR_SOCKET') {
    if (malformed.has(error.message)) return 'invalid'
    return begun ? 'truncated' : 'reset'
  }
  if (begun && (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || code === 'HPE_INVALID_EOF_STATE'))
    return 'truncated'
  return ended.has(code) ? 'reset' : 'invalid'
}

/** With a request under way, undici reports this message for an unexpected 100 (Continue) only. */
export const isUnaskedContinue = (error: Error): boolean =>
  codeOf(error) === 'UND_ERR_SOCKET' && error.message === 'bad response'

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
