import { Command, CommanderError } from 'commander'
import { programVersion } from '../src/version.ts'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'

const examples = `
Examples:
  cors-sidecar demo
  cors-sidecar serve --upstream http://127.0.0.1:9000 --rules ./rules
  cors-sidecar check --strict ./rules
  cors-sidecar explain --rules ./rules --bucket photos --origin https://example.com --method PUT
  cors-sidecar doctor --url https://s3.example.com/photos/cat.jpg --origin https://app.example.com
  cors-sidecar init photos --origin https://app.example.com --client aws-sdk-js-v3
  cors-sidecar replay requests.ndjson --rules ./rules
`

type AddCommand = (program: Command, terminal: Terminal, signals: Signals) => void

/** In the order of the help. Loaded on demand, because otherwise `serve` would keep the modules of all other commands in memory. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  serve: async () => (await import('./serve.ts')).addServe,
  demo: async () => (await import('./demo.ts')).addDemo,
  check: async () => (await import('./check.ts')).addCheck,
  explain: async () => (await import('./explain.ts')).addExplain,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  replay: async () => (await import('./replay.ts')).addReplay,
  suggest: async () => (await import('./suggest.ts')).addSuggest,
  init: async () => (await import('./init.ts')).addInit,
  convert: async () => (await import('./convert.ts')).addConvert,
  schema: async () => (await import('./schema.ts')).addSchema,
  completion: async () => (await import('./completion.ts')).addCompletion,
  worker: async () => (await import('./worker.ts')).addWorker,
}

/** Runs one command line, without the program's name. Reports the exit code to `terminal`. */
export async function run(argv: readonly string[], terminal: Terminal, signals: Signals): Promise<void> {
  const program = new Command('cors-sidecar')
    .description(
      'Per-bucket CORS for any object store, with the responses of Tencent COS, Alibaba OSS or AWS S3',
    )
    .version(programVersion(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [COMMAND]', 'show help for a command')
    .addHelpText('after', examples)
    .showHelpAfterError(
      "Run 'cors-sidecar help' for the list of commands, 'cors-sidecar COMMAND --help' for one of them.",
    )
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
  // The completion script names every command.
  const named = Object.entries(commands).filter(([name]) => name === argv[0] && name !== 'completion')
  for (const [, load] of named.length > 0 ? named : Object.entries(commands))
    (await load())(program, terminal, signals)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    // Commander has already printed the help, the version or the error.
    if (!(error instanceof CommanderError)) throw error
    terminal.setExitCode(error.exitCode === 0 ? 0 : 2)
  }
}
