import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { type Command, Option } from 'commander'
import { createReplay, type ReplayResult } from '../src/compare/replay.ts'
import type { DialectName } from '../src/cors/rule.ts'
import { maxLineBytes } from '../src/log/request-line.ts'
import { unconfiguredChoices } from '../src/settings/table.ts'
import { quote } from '../src/settings/value.ts'
import { systemRefusal } from '../src/text/system-error.ts'
import { boundedLines } from './bounded-lines.ts'
import { complain } from './complain.ts'
import { loadRules } from './load-rules.ts'
import { dialectOption, hostSuffixOption } from './options.ts'
import { replayJson, replayText } from './replay-text.ts'
import type { Terminal } from './terminal.ts'

const notes = `
LOG is the JSON log that serve writes to stdout; - reads it from stdin. Lines about requests that had
an Origin are re-evaluated, and those whose decision changes are printed in groups. Set --host-suffix and
--unconfigured as for serve.
Exit code: 0 no decision changes; 1 at least one changes; 2 invalid usage, or the log or a rule file cannot be read.

Examples:
  cors-sidecar replay requests.ndjson --rules ./rules
  kubectl logs deploy/store -c cors-sidecar | cors-sidecar replay - --rules ./rules --format json
`

interface ReplayFlags {
  readonly rules: string
  readonly dialect: DialectName
  readonly hostSuffix: readonly string[]
  readonly unconfigured: (typeof unconfiguredChoices)[number]
  readonly format: 'text' | 'json'
}

export function addReplay(program: Command, terminal: Terminal): void {
  program
    .command('replay')
    .description('re-evaluate logged requests against a set of rules, and show what would change')
    .argument('<LOG>', 'the log of serve, or - for stdin')
    .option('--rules <DIR>', 'the rule files to evaluate', './rules')
    .addOption(dialectOption().default('cos'))
    .addOption(hostSuffixOption())
    .addOption(
      new Option('--unconfigured <WHAT>', 'as in serve').choices(unconfiguredChoices).default('refuse'),
    )
    .addOption(new Option('--format <FORMAT>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText('after', notes)
    .action(async (log: string, flags: ReplayFlags) => {
      terminal.setExitCode(await replay(log, flags, terminal))
    })
}

/** Log collectors add fields of their own to a line. */
const maxLogLine = 2 * maxLineBytes

async function replay(log: string, flags: ReplayFlags, terminal: Terminal): Promise<0 | 1 | 2> {
  const snapshot = await loadRules(flags.rules, flags.dialect, terminal)
  if (snapshot === undefined) return 2
  const { dialect, hostSuffix: hostSuffixes, unconfigured, format } = flags
  const setup = { dialect, hostSuffixes, unconfigured, bucketCorsApi: 'off', debugHeaders: false } as const
  const replaying = createReplay({ snapshot, setup })
  try {
    for await (const line of boundedLines(openLog(log, terminal), maxLogLine)) replaying.take(line)
  } catch (error) {
    return complain(terminal, `${quote(log)} cannot be read: ${systemRefusal(error)}`)
  }
  const result = replaying.result()
  const { lines, skipped } = result
  if (lines > 0 && skipped['not-json'] + skipped['too-long'] === lines)
    return complain(terminal, `${quote(log)} is not a log of serve: no line of it is a JSON object`)
  terminal.out(format === 'json' ? replayJson(result) : replayText(result))
  for (const hint of hintsOn(result)) terminal.err(`note: ${hint}\n`)
  return result.groups.length === 0 ? 0 : 1
}

const openLog = (log: string, { cwd, stdin }: Terminal): AsyncIterable<Uint8Array> =>
  log === '-' ? (stdin ?? Readable.from([])) : createReadStream(resolve(cwd, log))

function hintsOn({ lines, unchanged, groups }: ReplayResult): string[] {
  const hints: string[] = []
  if (lines > 0 && unchanged + groups.length === 0) hints.push('no line contains a CORS decision')
  if (groups.some(({ before, after }) => before.bucket !== after.bucket))
    hints.push(
      'some requests belong to another bucket now: hosts: in a rule file has changed, or serve ran with another --host-suffix',
    )
  if (groups.some(({ overcount }) => overcount > 0))
    hints.push('too many groups: the rarest are left out, and some counts are not exact')
  return hints
}
