import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { DialectName } from '../src/cors/rule.ts'
import { dialectNames } from '../src/dialect/named.ts'
import type { Finding } from '../src/rule-file/issue.ts'
import { codes, isCode } from '../src/rule-file/lint/codes.ts'
import { nearest } from '../src/text/closest.ts'
import {
  type FindingFormat,
  findingAnnotation,
  findingFormats,
  findingsJson,
  findingText,
} from './findings-text.ts'
import { type RuleInput, readRuleInput } from './rule-input.ts'
import type { Terminal } from './terminal.ts'

const notes = `
Findings go to stdout as "file:line:column: severity code: message", a summary to stderr.
A finding is accepted in the file by a comment, for the line or rule that follows, or unindented for the whole file:
  # cors-sidecar: allow CODE because REASON
Exit code: 0 clean, 1 errors (with --strict also warnings), 2 wrong usage, or something cannot be read.

Examples:
  cors-sidecar check --strict rules
  cors-sidecar check --format github --strict rules
  cors-sidecar check --explain origin-pattern-public-suffix
`

interface CheckFlags {
  readonly format: FindingFormat
  readonly strict?: true
  readonly dialect: DialectName
  readonly explain?: string
}

export function addCheck(program: Command, terminal: Terminal): void {
  program
    .command('check')
    .description('validate and lint rule files, and run the tests in them')
    .argument('[PATH...]', 'rule files, or directories of them')
    .addOption(
      new Option('--format <FORMAT>', 'how findings are written').choices(findingFormats).default('text'),
    )
    .option('--strict', 'warnings count as errors do')
    .addOption(new Option('--dialect <NAME>', 'as in serve').choices(dialectNames).default('cos'))
    .option('--explain <CODE>', 'say what a code means, and end')
    .addHelpText('after', notes)
    .action(async (paths: readonly string[], flags: CheckFlags, command: Command) => {
      if (flags.explain !== undefined) terminal.exit(explainCode(flags.explain, terminal))
      else if (paths.length === 0) command.error("error: missing argument 'PATH'", { exitCode: 2 })
      else terminal.exit(await checkPaths(paths, flags, terminal))
    })
}

async function checkPaths(
  paths: readonly string[],
  flags: CheckFlags,
  terminal: Terminal,
): Promise<0 | 1 | 2> {
  const input = await readRuleInput(paths, flags.dialect, (path) => resolve(terminal.cwd, path))
  terminal.out(written(input, flags.format, terminal.colour))
  for (const sentence of input.unreadable) terminal.err(`error: ${sentence}\n`)
  terminal.err(summary(input))
  if (input.unreadable.length > 0) return 2
  const counts = (finding: Finding): boolean =>
    finding.severity === 'error' || (flags.strict === true && finding.severity === 'warning')
  return input.findings.some(counts) ? 1 : 0
}

function written({ findings, texts }: RuleInput, format: FindingFormat, colour: boolean): string {
  switch (format) {
    case 'json':
      return findingsJson(findings)
    case 'github':
      return findings.map(findingAnnotation).join('')
    case 'text':
      return findings.map((finding) => findingText(finding, texts.get(finding.file), colour)).join('')
  }
}

function summary({ findings, texts }: RuleInput): string {
  const count = (severity: Finding['severity'], one: string, many: string): string => {
    const number = findings.filter((finding) => finding.severity === severity).length
    return `${number} ${number === 1 ? one : many}`
  }
  const files = `${texts.size} rule ${texts.size === 1 ? 'file' : 'files'}`
  return `${files}: ${count('error', 'error', 'errors')}, ${count('warning', 'warning', 'warnings')}, ${count('info', 'info', 'infos')}\n`
}

function explainCode(code: string, terminal: Terminal): 0 | 2 {
  if (isCode(code)) {
    const { severity, text } = codes[code]
    terminal.out(`${code} (${severity})\n${text}\n`)
    return 0
  }
  const near = nearest(code, Object.keys(codes))
  terminal.err(
    `error: no finding has the code ${JSON.stringify(code)}${near === undefined ? '' : `: did you mean ${near}?`}\n`,
  )
  return 2
}
