import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { DialectName } from '../src/cors/rule.ts'
import type { Finding } from '../src/plan/finding.ts'
import { nearest } from '../src/rule-file/closest.ts'
import { codes, isCode } from '../src/rule-file/lint/codes.ts'
import { quoted } from '../src/text/visible.ts'
import { programVersion } from '../src/version.ts'
import { findingsSarif } from './findings-sarif.ts'
import {
  type FindingFormat,
  findingAnnotation,
  findingFormats,
  findingsJson,
  findingText,
} from './findings-text.ts'
import { dialectOption } from './options.ts'
import { type RuleInput, readRuleInput } from './rule-input.ts'
import type { Terminal } from './terminal.ts'

const notes = `
Findings go to stdout as "file:line:column: severity code: message", the summary to stderr.
To accept a warning, write a comment in the file. Indented, it applies to the rule or line that follows; unindented, to
the whole file:
  # cors-sidecar: allow CODE because REASON
Exit code: 0 clean, 1 errors (with --strict also warnings), 2 invalid usage or unreadable input.

Examples:
  cors-sidecar check
  cors-sidecar check --strict rules
  cors-sidecar check --format github --strict rules
  cors-sidecar check --format sarif rules > cors.sarif
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
    .argument('[PATH...]', 'rule files, or directories of them (default: ./rules)')
    .addOption(new Option('--format <FORMAT>', 'output format').choices(findingFormats).default('text'))
    .option('--strict', 'treat warnings as errors')
    .addOption(dialectOption().default('cos'))
    .option('--explain <CODE>', 'explain a finding code and exit')
    .addHelpText('after', notes)
    .action(async (paths: readonly string[], flags: CheckFlags) => {
      if (flags.explain !== undefined) terminal.setExitCode(explainCode(flags.explain, terminal))
      else terminal.setExitCode(await checkPaths(paths.length === 0 ? ['rules'] : paths, flags, terminal))
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
    case 'sarif':
      return findingsSarif(findings, programVersion())
    case 'github':
      return findings.map(findingAnnotation).join('')
    case 'text':
      return findings.map((finding) => findingText(finding, texts.get(finding.file), colour)).join('')
  }
}

function summary({ findings, texts, counts }: RuleInput): string {
  const of = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`
  const found = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length
  const read = [of(texts.size, 'rule file'), of(counts.rules, 'rule'), of(counts.tests, 'test')].join(', ')
  const severities = [of(found('error'), 'error'), of(found('warning'), 'warning'), of(found('info'), 'info')]
  return `${read}: ${severities.join(', ')}\n`
}

function explainCode(code: string, terminal: Terminal): 0 | 2 {
  if (isCode(code)) {
    const { severity, or, text } = codes[code]
    terminal.out(`${code} (${[severity, ...or].join(' or ')})\n${text}\n`)
    return 0
  }
  const near = nearest(code, Object.keys(codes))
  terminal.err(
    `error: unknown finding code ${quoted(code)}${near === undefined ? '' : `: did you mean ${near}?`}\n`,
  )
  return 2
}
