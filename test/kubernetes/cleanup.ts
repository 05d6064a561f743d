export interface Cleanup {
  /** Performed at the end, the last one first. */
  add(undo: () => Promise<void>): void
  /** Performs all of it once, whatever of it fails. */
  run(): Promise<void>
}

/** Also for a run that is broken off by a signal: cluster, processes and folders go in any case. */
export function createCleanup(): Cleanup {
  const steps: (() => Promise<void>)[] = []
  let running: Promise<void> | undefined
  const perform = async (): Promise<void> => {
    for (const step of steps.toReversed())
      await step().catch((error: unknown) => console.error(String(error)))
  }
  const run = (): Promise<void> => {
    running ??= perform()
    return running
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void run().finally(() => process.exit(130)))
  return { add: (undo) => void steps.push(undo), run }
}
