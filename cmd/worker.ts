import type { Command } from 'commander'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'

/** Started by `serve --workers`, not by people. */
export function addWorker(program: Command, terminal: Terminal, signals: Signals): void {
  program
    .command('worker', { hidden: true })
    .description('serve as one of the processes of serve --workers')
    .action(async () => {
      terminal.setExitCode(await work(terminal, signals))
    })
}

async function work(terminal: Terminal, signals: Signals): Promise<0 | 2> {
  // A terminal or a supervisor may signal the whole process group, but only the primary may react.
  signals.onTerminate(() => {})
  signals.onReload(() => {})
  const [{ openChannel }, { runWorker }] = await Promise.all([
    import('../src/workers/channel.ts'),
    import('../src/workers/worker.ts'),
  ])
  const channel = openChannel()
  if (channel !== undefined) return runWorker(channel, signals.onExit)
  terminal.err('error: only serve --workers starts this command: run cors-sidecar serve instead\n')
  return 2
}
