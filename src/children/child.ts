/** The program of one child process: runs the requested functions, one after the other. */

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

// yaml reads process.env at every token, which takes a lock: a fifth of the time for a rule file.
process.env = {}

// Signals to the whole process group, such as that of Ctrl-C, are for the parent, which ends this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit())

const loaded = new Set<string>()

let last: Promise<void> = Promise.resolve()
process.on('message', (call: ModuleCall) => {
  last = last.then(async () => reply(await replyTo(call)))
})
reply('ready')

/** A result that cannot be cloned is a bug of the called function; it must not kill the process. */
function reply(answer: Reply): void {
  try {
    process.send?.(answer, ignore)
  } catch (error) {
    process.send?.({ error: new Error(`the result cannot be cloned: ${String(error)}`) }, ignore)
  }
}

function ignore(): void {}

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
