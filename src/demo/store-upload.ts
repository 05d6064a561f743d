import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'

/** The limit that an upload exceeded: that of one object or that of the whole store. */
export type Bound = 'object' | 'total'

type Upload =
  | { readonly kind: 'stored'; readonly etag: string }
  | { readonly kind: 'full'; readonly bound: Bound }

/**
 * Streams the body of `request` into a hidden file and renames it to `file`, so that no reader sees half an object.
 * `count` gets the size of every chunk before it is written, and ends the upload by returning a limit. Rejects if the
 * client disconnects or the disk fails. Leaves no partial file.
 */
export async function upload(
  request: IncomingMessage,
  file: string,
  count: (bytes: number) => Bound | undefined,
): Promise<Upload> {
  const temporary = join(dirname(file), `.${randomUUID()}`)
  const handle = await open(temporary, 'wx')
  try {
    const outcome = await receive(request, handle, count)
    await handle.close()
    if (outcome.kind === 'stored') await rename(temporary, file)
    return outcome
  } finally {
    await handle.close()
    await rm(temporary, { force: true })
  }
}

async function receive(
  request: IncomingMessage,
  handle: FileHandle,
  count: (bytes: number) => Bound | undefined,
): Promise<Upload> {
  const hash = createHash('sha256')
  // The request is not destroyed, so that the client still gets the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk)
    const bound = count(bytes.length)
    if (bound !== undefined) return { kind: 'full', bound }
    hash.update(bytes)
    await handle.appendFile(bytes)
  }
  return { kind: 'stored', etag: `"${hash.digest('hex').slice(0, 32)}"` }
}
