import type { Command } from 'commander'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'

/** What `serve --workers` starts; nobody calls it by hand. */
export function addWorker(program: Command, terminal: Terminal, signals: Signals): void {
  program
    .command('worker', { hidden: true })
    .description('serve as one of several processes, as serve --workers starts them')
    .action(async () => {
      terminal.exit(await work(terminal, signals))
    })
}

async function work(terminal: Terminal, signals: Signals): Promise<0 | 2> {
  // A terminal, and what ends a group of processes, signals all of them: only the primary acts on it.
  signals.onTerminate(() => {})
  signals.onReload(() => {})
  const [{ openChannel }, { runWorker }] = await Promise.all([
    import('../src/workers/channel.ts'),
    import('../src/workers/worker.ts'),
  ])
  const channel = openChannel()
  if (channel !== undefined) return runWorker(channel, signals.onExit)
  terminal.err('error: this command is only for serve --workers to start: use cors-sidecar serve\n')
  return 2
}
