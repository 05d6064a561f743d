import { Command, CommanderError } from 'commander'
import { programVersion } from '../src/version.ts'
import { addCheck } from './check.ts'
import { addCompletion } from './completion.ts'
import { addConvert } from './convert.ts'
import { addDemo } from './demo.ts'
import { addDoctor } from './doctor.ts'
import { addExplain } from './explain.ts'
import { addInit } from './init.ts'
import { addReplay } from './replay.ts'
import { addSchema } from './schema.ts'
import { addServe } from './serve.ts'
import type { Signals } from './signals.ts'
import { addSuggest } from './suggest.ts'
import type { Terminal } from './terminal.ts'
import { addWorker } from './worker.ts'

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
  addServe(program, terminal, signals)
  addDemo(program, terminal, signals)
  addCheck(program, terminal)
  addExplain(program, terminal)
  addDoctor(program, terminal)
  addReplay(program, terminal)
  addSuggest(program, terminal)
  addInit(program, terminal)
  addConvert(program, terminal)
  addSchema(program, terminal)
  addCompletion(program, terminal)
  addWorker(program, terminal, signals)
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    // Commander has already printed the help, the version or the error.
    if (!(error instanceof CommanderError)) throw error
    terminal.exit(error.exitCode === 0 ? 0 : 2)
  }
}
