/** The program of one thread: calls what it is asked to, one call after the other. */

import { parentPort } from 'node:worker_threads'
import type { ModuleCall } from './threads.ts'

export type Request = ModuleCall
export type Reply = 'ready' | { readonly result: unknown } | { readonly error: unknown }

const port = parentPort
if (port === null) throw new Error('thread.ts runs in a worker thread only')

let last: Promise<void> = Promise.resolve()
port.on('message', (request: Request) => {
  last = last.then(async () => port.postMessage(await replyTo(request)))
})
port.postMessage('ready' satisfies Reply)

async function replyTo({ module, name, args }: Request): Promise<Reply> {
  try {
    const found: unknown = Reflect.get(await import(module), name)
    if (typeof found !== 'function') throw new Error(`${module} exports no function ${name}`)
    return { result: await Reflect.apply(found, undefined, args) }
  } catch (error) {
    return { error }
  }
}
