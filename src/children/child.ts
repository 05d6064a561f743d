/** The program of one thread: runs the requested functions, one after the other. */

import { parentPort } from 'node:worker_threads'

/** Arguments and result are copied (structured clone). */
export interface ModuleCall {
  readonly module: string
  readonly name: string
  readonly args: readonly unknown[]
}

/** `loading` and `running` enclose the first import of a module, which can take seconds on a busy machine. */
export type Reply =
  | 'ready'
  | 'loading'
  | 'running'
  | { readonly result: unknown }
  | { readonly error: unknown }

// yaml reads process.env at every token, which takes a lock in a thread: a fifth of the time for a rule file.
process.env = {}

const port = parentPort
if (port === null) throw new Error('thread.ts runs in a worker thread only')

const loaded = new Set<string>()

let last: Promise<void> = Promise.resolve()
port.on('message', (call: ModuleCall) => {
  last = last.then(async () => reply(await replyTo(call)))
})
port.postMessage('ready' satisfies Reply)

/** A result that cannot be cloned is a bug of the called function; it must not kill the thread. */
function reply(answer: Reply): void {
  try {
    parentPort?.postMessage(answer)
  } catch (error) {
    parentPort?.postMessage({ error: new Error(`the result cannot be cloned: ${String(error)}`) })
  }
}

async function load(module: string): Promise<object> {
  if (loaded.has(module)) return import(module)
  reply('loading')
  const found: object = await import(module)
  loaded.add(module)
  reply('running')
  return found
}

async function replyTo({ module, name, args }: ModuleCall): Promise<Reply> {
  try {
    const found: unknown = Reflect.get(await load(module), name)
    if (typeof found !== 'function') throw new Error(`${module} exports no function ${name}`)
    return { result: await Reflect.apply(found, undefined, args) }
  } catch (error) {
    return { error }
  }
}
