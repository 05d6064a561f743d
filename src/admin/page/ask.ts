/// <reference lib="dom" />
/** Asks the admin port. Rejects with an {@link Error} whose message can be shown. */

export async function ask<Answer>(path: string, options: RequestInit = {}): Promise<Answer> {
  const response = await fetch(path, options).catch(() => undefined)
  if (response === undefined) throw new Error('The sidecar does not answer.')
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return trusted<Answer>(body)
  const told = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  throw new Error(typeof told === 'string' ? told : `The sidecar answered with ${response.status}.`)
}

/** Page and port come from one process: what it says of itself is not checked again. */
const trusted = <Answer>(body: unknown): Answer => body as Answer

export const post = <Answer>(path: string, body?: unknown): Promise<Answer> =>
  ask<Answer>(path, {
    method: 'POST',
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  })

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
