import { reasons } from '../cors/decide.ts'
import type { Outcome } from '../plan/outcome.ts'
import type { RequestRecord } from '../requests/kept-request.ts'

/** A request as its log line records it, with the decision made then. Cut strings end with an ellipsis. */
export interface LoggedRequest {
  readonly request: RequestRecord
  readonly outcome: Outcome
}

/** Why a line contains no decision; the first that applies. */
export const unreadReasons = ['not-json', 'other', 'no-origin', 'incomplete'] as const
type UnreadReason = (typeof unreadReasons)[number]

/**
 * Parses a line that `requestLine` wrote. The line is untrusted, so any input gives a result. A header may also be
 * a plain string, because some collectors flatten a list of one.
 */
export function readRequestLine(line: string): LoggedRequest | UnreadReason {
  const fields = readFields(line)
  if (fields === undefined) return 'not-json'
  if (fields.get('msg') !== 'request') return 'other'
  const origin = header(fields, 'origin')
  if (origin === undefined || origin === '') return 'no-origin'
  const outcome = readOutcome(fields)
  const method = text(fields, 'http.request.method')
  const path = text(fields, 'url.path')
  if (outcome === undefined || method === undefined || path === undefined) return 'incomplete'
  const request = {
    method,
    host: host(fields),
    path,
    origin,
    requestedMethod: header(fields, 'access-control-request-method'),
    requestedHeaders: header(fields, 'access-control-request-headers'),
  }
  return { request, outcome }
}

type Fields = ReadonlyMap<string, unknown>

function readFields(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? new Map(Object.entries(value))
      : undefined
  } catch {
    return undefined
  }
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields.get(name)
  return typeof value === 'string' ? value : undefined
}

function host(fields: Fields): string | undefined {
  const address = text(fields, 'server.address')
  const port = fields.get('server.port')
  return address === undefined || typeof port !== 'number' ? address : `${address}:${port}`
}

/** Repeated lines of one header are joined, as in the request itself. */
function header(fields: Fields, name: string): string | undefined {
  const value = fields.get(`http.request.header.${name}`)
  const lines: readonly unknown[] = Array.isArray(value) ? value : [value]
  return lines.length > 0 && lines.every((line) => typeof line === 'string') ? lines.join(',') : undefined
}

function readOutcome(fields: Fields): Outcome | undefined {
  const decision = fields.get('decision')
  const mode = fields.get('mode')
  const reason = reasons.find((word) => word === fields.get('reason'))
  if (decision !== 'allow' && decision !== 'deny') return undefined
  if (mode !== 'enforce' && mode !== 'report') return undefined
  if (reason === undefined || (reason === 'matched') !== (decision === 'allow')) return undefined
  const rule = text(fields, decision === 'allow' ? 'rule' : 'closest_rule')
  return { bucket: text(fields, 'bucket'), decision, reason, mode, rule }
}
