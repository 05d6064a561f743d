import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { inChild, moduleBeside } from '../src/children/children.ts'
import type * as yaml from '../src/rule-file/yaml.ts'
import { startReader } from '../src/rules/read-in-child.ts'
import { readStart } from '../src/rules/read-start.ts'
import type { ConfigContent } from '../src/settings/reader.ts'
import { readSettings } from '../src/settings/settings.ts'
import { type Flags, maxConfigLength } from '../src/settings/sources.ts'
import { flagOf, type SettingEntry, settingEntries, variableOf } from '../src/settings/table.ts'
import { quote } from '../src/settings/value.ts'
import { isNotUtf8, messageOf, whySystemRefused } from '../src/text/system-error.ts'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'

const notes = `
Each setting can also be an environment variable (--upstream-ca: CORS_SIDECAR_UPSTREAM_CA) or a line
of the config file (upstreamCa: ca.pem). Flags win over variables, variables over the file.
Write times as 500ms, 15s, 2m or 1h, sizes as 16384, 16KiB or 1MiB.
SIGHUP reloads the rules; SIGTERM finishes running requests and stops.
Exit code: 0 stopped by a signal, 2 unusable settings.

Examples:
  cors-sidecar serve --upstream http://127.0.0.1:9000 --dialect s3 --rules ./rules
  cors-sidecar serve --upstream unix:/run/store.sock --dialect s3 --host-suffix s3.example.com
  cors-sidecar serve --config sidecar.yaml --print-config
`

export function addServe(program: Command, terminal: Terminal, signals: Signals): void {
  const command = program
    .command('serve')
    .description('run the proxy and its admin port')
    .addHelpText('after', notes)
  for (const entry of settingEntries) command.addOption(optionOf(entry))
  command
    .option('--config <FILE>', 'settings in YAML, with names in camelCase')
    .option('--print-config', 'print the effective settings and where each came from, and exit')
    .action(async (flags: Flags) => {
      terminal.setExitCode(await serve(flags, terminal, signals))
    })
}

function optionOf({ name, argument, help, shownDefault, list }: SettingEntry): Option {
  const byDefault = shownDefault === undefined ? '' : ` (default: ${shownDefault})`
  const option = new Option(`${flagOf(name)} ${argument}`, `${help}${byDefault}`)
  return list ? option.argParser((text: string, before: readonly string[] = []) => [...before, text]) : option
}

async function serve(flags: Flags, terminal: Terminal, signals: Signals): Promise<0 | 2> {
  const config = await findConfig(flags, terminal)
  const read = readSettings({ flags, environment: terminal.env, config })
  if (read.kind === 'issues') {
    for (const issue of read.issues) terminal.err(`error: ${issue}\n`)
    return 2
  }
  if (flags.printConfig === true) {
    const { printSettings } = await import('../src/settings/print.ts')
    terminal.out(printSettings(read.effective))
    return 0
  }
  startReader()
  const { runServe } = await import('./run-serve.ts')
  return runServe(read.settings, terminal, signals)
}

const yamlInChild = inChild<typeof yaml>(moduleBeside(import.meta.url, '../src/rule-file/yaml'))

async function findConfig(flags: Flags, { env, cwd }: Terminal): Promise<ConfigContent | undefined> {
  const variable = variableOf('config')
  const file = typeof flags.config === 'string' ? flags.config : env[variable] || undefined
  if (file === undefined) return undefined
  const place = flags.config === undefined ? variable : '--config'
  try {
    const bytes = await readStart(resolve(cwd, file), maxConfigLength + 1)
    if (bytes.length > maxConfigLength)
      return {
        issue: `${place}: ${quote(file)} is longer than ${maxConfigLength} bytes, the limit for a config file`,
      }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { file, text, source: await yamlInChild('readYamlTree', text, { aliases: 'refuse' }) }
  } catch (error) {
    return { issue: `${place}: ${quote(file)} cannot be read: ${whyNot(error)}` }
  }
}

function whyNot(error: unknown): string {
  return isNotUtf8(error) ? 'it is not UTF-8' : (whySystemRefused(error) ?? messageOf(error))
}
