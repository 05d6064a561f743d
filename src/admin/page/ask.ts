/// <reference lib="dom" />
/** Asks the admin port. Rejects with an {@link Error} whose message can be shown. */

export async function ask<Answer>(path: string, options: RequestInit = {}): Promise<Answer> {
  const response = await fetch(path, options).catch(() => undefined)
  if (response === undefined) throw new Error('The sidecar does not answer.')
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return trusted<Answer>(body)
  // The session has ended: the address of the console answers with the sign-in page.
  if (response.status === 401) location.reload()
  throw new AskError(response.status, textIn(body, 'error'), textIn(body, 'field'))
}

/** Page and port come from one process: what it says of itself is not checked again. */
const trusted = <Answer>(body: unknown): Answer => body as Answer

/** What the sidecar says is wrong with a question, and with which field of it. */
export class AskError extends Error {
  readonly field: string | undefined
  constructor(status: number, message: string | undefined, field: string | undefined) {
    super(message ?? `The sidecar answered with ${status}.`)
    this.field = field
  }
}

function textIn(body: unknown, name: string): string | undefined {
  const value: unknown =
    typeof body === 'object' && body !== null
      ? new Map<string, unknown>(Object.entries(body)).get(name)
      : undefined
  return typeof value === 'string' ? value : undefined
}

export const post = <Answer>(path: string, body?: unknown): Promise<Answer> =>
  ask<Answer>(path, {
    method: 'POST',
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  })

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
