/** The program of one thread: calls what it is asked to, one call after the other. */

import { parentPort } from 'node:worker_threads'

/** Arguments and result are copied (structured clone). */
export interface ModuleCall {
  /** URL of the module. */
  readonly module: string
  /** Name of the exported function. */
  readonly name: string
  readonly args: readonly unknown[]
}

/** `loading` and `running` stand around the first import of a module, which a machine under load can take seconds for. */
export type Reply =
  | 'ready'
  | 'loading'
  | 'running'
  | { readonly result: unknown }
  | { readonly error: unknown }

// yaml asks process.env at every token, which costs a lock in a thread: a fifth of the time for a rule file.
process.env = {}

const port = parentPort
if (port === null) throw new Error('thread.ts runs in a worker thread only')

const loaded = new Set<string>()

let last: Promise<void> = Promise.resolve()
port.on('message', (call: ModuleCall) => {
  last = last.then(async () => reply(await replyTo(call)))
})
port.postMessage('ready' satisfies Reply)

/** A result that cannot be cloned is a bug of the called function, and no reason for the thread to die. */
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
