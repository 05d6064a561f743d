export interface Cleanup {
  /** Runs at the end, in reverse order. */
  add(undo: () => Promise<void>): void
  /** Runs everything once, even if parts fail. */
  run(): Promise<void>
}

/** Also for a run that a signal interrupts: cluster, processes and folders are always removed. */
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
