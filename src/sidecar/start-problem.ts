import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { ListenAddress } from '../settings/settings.ts'
import { messageOf, systemErrorCode, whySystemRefused } from '../text/system-error.ts'

/** Why the sidecar cannot start, in lines that say what to change. */
export class StartProblem extends Error {
  readonly lines: readonly string[]
  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

/** The text of the file given by `flag`. Rejects with {@link StartProblem} when it cannot be read. */
export async function readText(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new StartProblem([`${flag} ${file}: the file cannot be read: ${reasonOf(error)}`])
  }
}

/**
 * Rejects with {@link StartProblem} when the file of `--admin-token-file` holds no token. Otherwise the admin port
 * would refuse every request without a visible reason.
 */
export async function requireToken(file: string | undefined): Promise<void> {
  if (file === undefined) return
  const token = (await readText('--admin-token-file', file)).trim()
  if (token === '' || /\s/.test(token))
    throw new StartProblem([`--admin-token-file ${file}: the file must contain one token, without spaces`])
}

/** Waits for `listen` on the address given by `flag`. Rejects with {@link StartProblem} when it is unavailable. */
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
  switch (systemErrorCode(error)) {
    case 'EADDRINUSE':
      return 'the port is in use: stop the program that uses it, or choose another port'
    case 'EADDRNOTAVAIL':
      return 'no interface of this machine has this address'
    case 'EACCES':
      return 'listening on this port is not permitted: choose one above 1023'
    case 'ENOTFOUND':
      return 'the host name cannot be resolved: write an IP address'
    default:
      return messageOf(error)
  }
}

/** The reason of an error; plain English for an error of the system. */
export const reasonOf = (error: unknown): string => whySystemRefused(error) ?? messageOf(error)
