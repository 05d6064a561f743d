import { type Answered, exchange } from '../serve/exchange.ts'
import { bucket, deniedOrigin, origin, preflightHeaders, requestedHeaders } from './rule-sets.ts'

export const objectPath = `/${bucket}/object`
export const objectBytes = 1024

/** Decides which responses are required of a server before it is measured. */
export interface Abilities {
  /** Whether it refuses unknown origins; the baseline answers every origin alike. */
  readonly knowsOrigins: boolean
}

/**
 * Rejects, naming the server, unless it allows a preflight from {@link origin} and, if it knows the origins, refuses
 * one from {@link deniedOrigin}.
 */
export async function verifyPreflight(
  name: string,
  port: number,
  { knowsOrigins }: Abilities,
): Promise<void> {
  const { status, headers } = await ask(port, 'OPTIONS', preflightHeaders)
  expect(name, 'status', status === 200 || status === 204, status)
  expectOrigin(name, headers['access-control-allow-origin'])
  const methods = String(headers['access-control-allow-methods'])
  expect(name, 'Access-Control-Allow-Methods', methods.includes('PUT'), methods)
  const named = String(headers['access-control-allow-headers']).toLowerCase()
  expect(name, 'Access-Control-Allow-Headers', named.replaceAll(' ', '') === requestedHeaders, named)
  if (!knowsOrigins) return
  expectRefused(name, await ask(port, 'OPTIONS', { ...preflightHeaders, Origin: deniedOrigin }))
}

/**
 * Rejects, naming the server, unless it serves the object and, if it knows the origins, shares it with
 * {@link origin} but not with {@link deniedOrigin}.
 */
export async function verifyGet(name: string, port: number, { knowsOrigins }: Abilities): Promise<void> {
  const { status, headers, body } = await ask(port, 'GET', { Origin: origin })
  expect(name, 'status', status === 200, status)
  expect(name, 'number of bytes', body.length === objectBytes, body.length)
  if (!knowsOrigins) return
  expectOrigin(name, headers['access-control-allow-origin'])
  expectRefused(name, await ask(port, 'GET', { Origin: deniedOrigin }))
}

const ask = (port: number, method: string, headers: Readonly<Record<string, string>>) =>
  exchange(`http://127.0.0.1:${port}${objectPath}`, { method, headers })

const expectOrigin = (name: string, value: string | undefined): void =>
  expect(name, 'Access-Control-Allow-Origin', value === origin, value)

function expectRefused(name: string, { headers }: Answered): void {
  const allowed = headers['access-control-allow-origin']
  expect(name, 'Access-Control-Allow-Origin for an unknown origin', allowed === undefined, allowed)
}

function expect(name: string, what: string, holds: boolean, seen: unknown): void {
  if (!holds) throw new Error(`${name}: unexpected ${what}: ${String(seen)}`)
}
