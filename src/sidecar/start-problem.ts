import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { ListenAddress } from '../settings/settings.ts'
import { whyUnreadable } from './unreadable.ts'

/** Why a sidecar cannot start, in lines that tell its user what to change. */
export class StartProblem extends Error {
  readonly lines: readonly string[]
  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

/** The text of the file that `flag` names. Rejects with {@link StartProblem} when it cannot be read. */
export async function readText(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new StartProblem([`${flag} ${file}: the file cannot be read: ${messageOf(error)}`])
  }
}

/**
 * Rejects with {@link StartProblem} when the file of `--admin-token-file` holds no token: nobody could find out why the
 * admin port refuses everybody.
 */
export async function requireToken(file: string | undefined): Promise<void> {
  if (file === undefined) return
  const token = (await readText('--admin-token-file', file)).trim()
  if (token === '' || /\s/.test(token))
    throw new StartProblem([`--admin-token-file ${file}: the file must hold one token, without blanks in it`])
}

/** Waits for `listen` on the address that `flag` gives. Rejects with {@link StartProblem} when it cannot be had. */
export async function listening(
  flag: string,
  { host, port }: ListenAddress,
  listen: () => Promise<AddressInfo>,
): Promise<AddressInfo> {
  try {
    return await listen()
  } catch (error) {
    throw new StartProblem([
      `${flag} ${host.includes(':') ? `[${host}]` : host}:${port}: ${listenProblem(error)}`,
    ])
  }
}

function listenProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is in use: stop what listens there, or give another port'
    case 'EADDRNOTAVAIL':
      return 'no interface of this machine has this address'
    case 'EACCES':
      return 'listening on this port is not permitted: give one above 1023'
    case 'ENOTFOUND':
      return 'the host name cannot be resolved: give an address'
    default:
      return messageOf(error)
  }
}

/** An error in words; those of the system's that a user can mend, plainly. */
export const messageOf = (error: unknown): string =>
  whyUnreadable(error) ?? (error instanceof Error ? error.message : String(error))
