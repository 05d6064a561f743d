/// <reference lib="dom" />
/** Calls the admin port. Rejects with an {@link Error} whose message is fit for the page. */

export async function ask<Answer>(path: string, options: RequestInit = {}): Promise<Answer> {
  const response = await fetch(path, options).catch(() => undefined)
  if (response === undefined) throw new Error('The sidecar does not respond.')
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return trusted<Answer>(body)
  // The session has ended. A reload shows the sign-in page.
  if (response.status === 401) location.reload()
  throw new AskError(response.status, textIn(body, 'error'), textIn(body, 'field'))
}

/** Not validated: the same process serves the page and this JSON. */
const trusted = <Answer>(body: unknown): Answer => body as Answer

/** An error response, with the parameter that it is about. */
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
