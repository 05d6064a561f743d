import { type Command, Option } from 'commander'
import type { DialectName } from '../src/cors/rule.ts'
import type { Demo, DemoPorts } from '../src/demo/demo.ts'
import type { LogLevel } from '../src/settings/settings.ts'
import { logLevels } from '../src/settings/table.ts'
import { messageOf } from '../src/text/system-error.ts'
import { dialectOption } from './options.ts'
import { paint } from './paint.ts'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'

interface DemoFlags {
  readonly dialect: DialectName
  readonly logLevel: LogLevel
}

/** Preferred ports. A port in use is replaced by a free one. */
const wantedPorts: DemoPorts = { page: 8081, data: 8080, admin: 9464 }

const notes = `
It needs nothing else: the store is a temporary folder, everything listens on 127.0.0.1 only,
and Ctrl-C stops it and removes the folder.

Examples:
  cors-sidecar demo
  cors-sidecar demo --dialect s3 --log-level info
`

export function addDemo(program: Command, terminal: Terminal, signals: Signals): void {
  program
    .command('demo')
    .description(
      'see it work: a folder as the store, the sidecar in front of it, and a page on another origin',
    )
    .addOption(dialectOption('vendor whose responses are copied').default('cos'))
    .addOption(
      new Option('--log-level <LEVEL>', 'write log lines of the sidecar to stdout')
        .choices(logLevels)
        .default('silent'),
    )
    .addHelpText('after', notes)
    .action(async (flags: DemoFlags) => {
      terminal.setExitCode(await demo(flags, terminal, signals))
    })
}

async function demo(flags: DemoFlags, terminal: Terminal, signals: Signals): Promise<0 | 2> {
  const ended = new Promise<void>((resolve) => {
    signals.onTerminate(resolve)
    // SIGHUP: the terminal was closed.
    signals.onReload(resolve)
  })
  const [{ startDemo }, { startSidecar }] = await Promise.all([
    import('../src/demo/demo.ts'),
    import('../src/sidecar/sidecar.ts'),
  ])
  let running: Demo
  try {
    const options = { ...flags, ports: wantedPorts }
    running = await startDemo(options, (settings) => startSidecar(settings, signals.onExit))
  } catch (error) {
    terminal.err(`error: the demo cannot start: ${messageOf(error)}\n`)
    return 2
  }
  terminal.err(movedText(running.ports))
  terminal.out(placesText(running, terminal.colour))
  terminal.err('Press Ctrl-C to stop the demo and delete its folder.\n')
  await ended
  await running.close()
  return 0
}

function movedText(ports: DemoPorts): string {
  const parts = [
    ['page', wantedPorts.page, ports.page],
    ['sidecar', wantedPorts.data, ports.data],
    ['admin port', wantedPorts.admin, ports.admin],
  ] as const
  return parts
    .filter(([, wanted, used]) => wanted !== used)
    .map(
      ([part, wanted, used]) => `Port ${wanted} is not available: the ${part} listens on ${used} instead.\n`,
    )
    .join('')
}

function placesText({ setup }: Demo, colour: boolean): string {
  const { strong } = paint(colour)
  return [
    `${strong(`Open ${setup.pageOrigins[0]}/`)}`,
    '',
    `  page     ${setup.pageOrigins[0]}/   on a different origin from the sidecar`,
    `  sidecar  ${setup.sidecarOrigin}/   what the page uploads to`,
    `  admin    ${setup.adminOrigin}/   console and /metrics`,
    `  store    ${setup.storeOrigin}/   a folder, without CORS support`,
    `  rules    ${setup.rulesFolder}`,
    '',
    '',
  ].join('\n')
}
