import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { isNotUtf8, systemRefusal } from '../src/text/system-error.ts'
import type { Terminal } from './terminal.ts'

/** The state of a large Terraform project is a few MiB. Anything longer is not a CORS configuration. */
const maxBytes = 8 * 1024 * 1024

type ConfigurationInput =
  /** `shown` is the name of the input in messages. */
  { readonly shown: string; readonly text: string } | { readonly shown: string; readonly problem: string }

/** Reads a file, or standard input for `-`, as UTF-8 of at most 8 MiB. */
export async function readConfiguration(file: string, terminal: Terminal): Promise<ConfigurationInput> {
  const shown = file === '-' ? 'standard input' : file
  const source =
    file === '-' ? (terminal.stdin ?? Readable.from([])) : createReadStream(resolve(terminal.cwd, file))
  try {
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of source) {
      length += piece.length
      if (length > maxBytes) return { shown, problem: `longer than ${maxBytes} bytes` }
      pieces.push(piece)
    }
    return { shown, text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces)) }
  } catch (error) {
    return { shown, problem: why(error) }
  }
}

function why(error: unknown): string {
  return isNotUtf8(error) ? 'not UTF-8 text' : `cannot be read: ${systemRefusal(error)}`
}
