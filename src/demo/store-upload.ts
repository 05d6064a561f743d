import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'

/** Which bound an upload ran into: that of one object or that of the whole store. */
export type Bound = 'object' | 'total'

type Upload =
  | { readonly kind: 'stored'; readonly etag: string }
  | { readonly kind: 'full'; readonly bound: Bound }

/**
 * Streams the body of `request` into `file` by way of a hidden file and a rename, so that nobody sees half an object.
 * `count` is told the bytes of every chunk before it is written, and may end the upload. Rejects when the client goes
 * away or the disk fails; then, too, nothing is left behind.
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
  // Left undestroyed, so that the refusal still reaches the client.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk)
    const bound = count(bytes.length)
    if (bound !== undefined) return { kind: 'full', bound }
    hash.update(bytes)
    await handle.appendFile(bytes)
  }
  return { kind: 'stored', etag: `"${hash.digest('hex').slice(0, 32)}"` }
}
