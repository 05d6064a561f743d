/** The program of one child process: runs the requested functions, one after the other. */

import { flushCompileCache } from 'node:module'

/** Arguments and result are copied (structured clone). */
export interface ModuleCall {
  readonly module: string
  /** `undefined`: the module is loaded, and no function is called. */
  readonly name: string | undefined
  readonly args: readonly unknown[]
}

export type Outcome = { readonly result: unknown } | { readonly error: unknown }

/**
 * Outcomes are in the order of the calls. `loading` and `running` enclose the first import of a module, which can take
 * seconds on a busy machine.
 */
export type Reply = 'ready' | 'loading' | 'running' | readonly Outcome[]

// yaml reads process.env at every token, and the lock on it costs a fifth of the time for a rule file.
process.env = {}

// Signals to the whole process group, such as that of Ctrl-C, are for the parent, which ends this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit())

/** Importing a loaded module again costs a twentieth of the time for a small rule file. */
const modules = new Map<string, object>()

let last: Promise<void> = Promise.resolve()
process.on('message', (calls: readonly ModuleCall[]) => {
  last = last.then(async () => {
    const outcomes: Outcome[] = []
    for (const call of calls) outcomes.push(await outcomeOf(call))
    reply(outcomes)
  })
})
reply('ready')

/** A result that cannot be cloned is a bug of its function; it must cost neither the process nor another result. */
function reply(answer: Reply): void {
  try {
    process.send?.(answer, ignore)
  } catch {
    if (typeof answer !== 'string') process.send?.(answer.map(cloneable), ignore)
  }
}

function cloneable(outcome: Outcome): Outcome {
  try {
    return structuredClone(outcome)
  } catch (error) {
    return { error: new Error(`the result cannot be cloned: ${String(error)}`) }
  }
}

function ignore(): void {}

async function load(module: string): Promise<object> {
  const known = modules.get(module)
  if (known !== undefined) return known
  reply('loading')
  const found: object = await import(module)
  modules.set(module, found)
  // This process is killed in the end, without the exit at which Node would write its cache.
  flushCompileCache()
  reply('running')
  return found
}

async function outcomeOf({ module, name, args }: ModuleCall): Promise<Outcome> {
  try {
    const loaded = await load(module)
    if (name === undefined) return { result: undefined }
    const found: unknown = Reflect.get(loaded, name)
    if (typeof found !== 'function') throw new Error(`${module} exports no function ${name}`)
    return { result: await Reflect.apply(found, undefined, args) }
  } catch (error) {
    return { error }
  }
}
