import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Suggested, Suggestion } from '../src/compare/suggest.ts'
import { decide } from '../src/cors/decide.ts'
import { originForm } from '../src/cors/pattern.ts'
import type { DialectName } from '../src/cors/rule.ts'
import { maxLineBytes } from '../src/log/request-line.ts'
import { fallbackName, policyForBucket, type Snapshot } from '../src/plan/snapshot.ts'
import { convert } from '../src/rule-file/convert.ts'
import { formatOf } from '../src/rule-file/names.ts'
import { readInChild } from '../src/rules/read-in-child.ts'
import { quote } from '../src/settings/value.ts'
import { systemRefusal } from '../src/text/system-error.ts'
import { boundedLines } from './bounded-lines.ts'
import { complain } from './complain.ts'
import { loadRules } from './load-rules.ts'
import { dialectOption, hostSuffixOption } from './options.ts'
import { suggestSummary } from './suggest-text.ts'
import type { Terminal } from './terminal.ts'
import { isExisting, makeDirectory, whyUnwritable, writeNewRuleFile } from './write-rule-file.ts'

const notes = `
LOG is the log of serve (one JSON object a line), a JSON log of nginx whose keys are the names of nginx's variables
(request_method, request_uri, http_host, http_origin, http_access_control_request_method,
http_access_control_request_headers), or the audit log of MinIO; - reads stdin.
Refused requests are counted too. Any client can send any Origin, so read the summary on stderr and decide which
origins to allow before you deploy the files.
Exit code: 0 files suggested or nothing to add; 1 every origin was left out; 2 invalid usage,
an unreadable file, or a file in the output directory that exists or cannot be written.

Examples:
  cors-sidecar suggest requests.ndjson --out suggested
  kubectl logs deploy/store -c cors-sidecar | cors-sidecar suggest - --rules ./rules --out suggested
  cors-sidecar replay requests.ndjson --rules suggested
`

interface SuggestFlags {
  readonly rules?: string
  readonly out?: string
  readonly minRequests: number
  readonly dialect: DialectName
  readonly hostSuffix: readonly string[]
}

export function addSuggest(program: Command, terminal: Terminal): void {
  program
    .command('suggest')
    .description('write rule files, with tests, for the traffic in request logs')
    .argument('<LOG...>', 'request logs, or - for stdin')
    .option('--rules <DIR>', 'rule files to start from; rules are added for requests that they do not allow')
    .option('--out <DIR>', 'directory for the files; default: print them')
    .addOption(
      new Option('--min-requests <N>', 'leave out origins with fewer requests to a bucket')
        .argParser(readCount)
        .default(3),
    )
    .addOption(dialectOption().default('cos'))
    .addOption(hostSuffixOption())
    .addHelpText('after', notes)
    .action(async (logs: readonly string[], flags: SuggestFlags) => {
      terminal.setExitCode(await suggest(logs, flags, terminal))
    })
}

function readCount(text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError('Write a whole number, 1 or greater.')
  return Number(text)
}

async function suggest(logs: readonly string[], flags: SuggestFlags, terminal: Terminal): Promise<0 | 1 | 2> {
  const { rules, dialect, hostSuffix: hostSuffixes, minRequests } = flags
  const snapshot = rules === undefined ? undefined : await loadRules(rules, dialect, terminal)
  if (rules !== undefined && snapshot === undefined) return 2
  // Imported on demand, so that the help does not load yaml and zod.
  const { createSuggest } = await import('../src/compare/suggest.ts')
  const suggesting = createSuggest({
    minRequests,
    dialect,
    hosts: snapshot?.hosts ?? new Map(),
    hostSuffixes,
    isAllowed: (...question) => snapshot !== undefined && isAllowed(snapshot, ...question),
  })
  for (const log of logs) {
    try {
      const pieces = log === '-' ? (terminal.stdin ?? nothing) : createReadStream(resolve(terminal.cwd, log))
      // Log collectors add fields of their own to a line.
      for await (const line of boundedLines(pieces, 4 * maxLineBytes)) suggesting.take(line)
    } catch (error) {
      return complain(terminal, `${quote(log)} cannot be read: ${systemRefusal(error)}`)
    }
  }
  const result = suggesting.result()
  if (result.lines > 0 && result.unused['not-json'] === result.lines)
    return complain(
      terminal,
      'no line of the log is a JSON object: use the log of serve, a JSON log of nginx, or the audit log of MinIO',
    )
  const written = await writeFiles(result, flags, snapshot, terminal)
  if (!written) return 2
  terminal.err(suggestSummary(result, minRequests, terminal.colour))
  return result.suggestions.length > 0 || result.leftOut.length === 0 ? 0 : 1
}

function isAllowed(
  snapshot: Snapshot,
  bucket: string,
  origin: string,
  method: string,
  headers: readonly string[],
): boolean {
  const policy = policyForBucket(snapshot, bucket)
  const question = { kind: 'preflight', origin, form: originForm(origin), method, headers } as const
  return policy !== undefined && decide(policy, question).verdict === 'allow'
}

interface FileText {
  readonly name: string
  readonly text: string
  /** What the file's format cannot express. */
  readonly lost: readonly string[]
  readonly isNew: boolean
}

async function writeFiles(
  { suggestions }: Suggested,
  flags: SuggestFlags,
  snapshot: Snapshot | undefined,
  terminal: Terminal,
): Promise<boolean> {
  const files: FileText[] = []
  for (const suggestion of suggestions) {
    const file = await fileOf(suggestion, flags, snapshot, terminal)
    for (const sentence of file.lost) terminal.err(`note: ${file.name}: ${sentence}\n`)
    files.push(file)
  }
  if (flags.out === undefined) {
    for (const { name, text } of files) terminal.out(files.length === 1 ? text : `# ${name}\n${text}\n`)
    return true
  }
  const folder = resolve(terminal.cwd, flags.out)
  try {
    await makeDirectory(folder)
    for (const { name, text, isNew } of files)
      if (isNew) await writeNewRuleFile(folder, name, text)
      else await writeFile(join(folder, name), text, { flag: 'wx' })
    return true
  } catch (error) {
    complain(
      terminal,
      isExisting(error)
        ? `--out: ${quote(flags.out)} already contains one of the files to write: choose an empty directory`
        : `--out: ${quote(flags.out)} cannot be written: ${whyUnwritable(error)}`,
    )
    return false
  }
}

async function fileOf(
  { bucket, file }: Suggestion,
  { rules, dialect }: SuggestFlags,
  snapshot: Snapshot | undefined,
  terminal: Terminal,
): Promise<FileText> {
  const fileFor = (name: string): string | undefined =>
    snapshot?.files.find((status) => status.bucket === name)?.file
  // A file of its own replaces _default for the bucket, so it starts with the rules of that.
  const present = fileFor(bucket) ?? fileFor(fallbackName)
  if (rules === undefined || present === undefined)
    return { name: `${bucket}.yaml`, text: convert(file, 'yaml', dialect).text, lost: [], isNew: true }
  const bytes = await readFile(resolve(terminal.cwd, rules, present))
  const { content } = await readInChild(present, bytes, dialect)
  if (content === undefined) throw new Error(`${present} was changed while it was being read`)
  const { addRules } = await import('../src/compare/add-rules.ts')
  return {
    name: `${bucket}${present.slice(present.lastIndexOf('.'))}`,
    isNew: false,
    ...addRules(bytes.toString('utf8'), formatOf(present) ?? 'yaml', content, file, dialect),
  }
}

const nothing: AsyncIterable<Uint8Array> = Readable.from([])
