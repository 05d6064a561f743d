import { access, constants, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { DialectName, RuleFile } from '../src/cors/rule.ts'
import type { Finding } from '../src/plan/finding.ts'
import { convert } from '../src/rule-file/convert.ts'
import { type ConvertedBucket, convertForeign } from '../src/rule-file/foreign/convert.ts'
import { type FileFormat, formatOf, readFileName } from '../src/rule-file/names.ts'
import { readRules } from '../src/rule-file/read.ts'
import { quoted, visible } from '../src/text/visible.ts'
import { readConfiguration } from './configuration-input.ts'
import type { ConvertFlags } from './convert-flags.ts'
import { findingText } from './findings-text.ts'
import type { Terminal } from './terminal.ts'
import { isExisting, makeDirectory, whyUnwritable } from './write-rule-file.ts'

/** A rule file to write, and its bucket if known. */
interface Result {
  readonly bucket: string | undefined
  readonly content: RuleFile
  readonly hasComments: boolean
}

export async function convertFile(file: string, flags: ConvertFlags, terminal: Terminal): Promise<0 | 1 | 2> {
  const input = await readConfiguration(file, terminal)
  if ('problem' in input) return fail(terminal, `${input.shown}: ${input.problem}`, 2)
  const { shown, text } = input
  // The advice for an empty rule file does not help with an empty pipe.
  if (text.trim() === '')
    return fail(terminal, `${shown} is empty: check that the command that writes it did not fail`, 1)
  const foreign = foreignResults(shown, text, flags, terminal)
  const results = foreign ?? ownResults(shown, text, flags, terminal)
  if (typeof results === 'number') return results
  return flags.out === undefined
    ? print(results, flags, terminal)
    : writeAll(results, { ...flags, out: flags.out }, file === '-' ? undefined : file, terminal)
}

const hasErrors = (findings: readonly Finding[]): boolean =>
  findings.some(({ severity }) => severity === 'error')

/**
 * The buckets in another product's file; 1 after an error was printed. `undefined`: the input is a rule file, `--from`
 * names a rule file format, or no format was detected and `--from` is not set.
 */
function foreignResults(
  shown: string,
  text: string,
  { dialect, from }: ConvertFlags,
  terminal: Terminal,
): readonly Result[] | 1 | undefined {
  if (isOwnFormat(from) || (from === undefined && readOwn(shown, text, dialect).content !== undefined))
    return undefined
  const file = convertForeign(shown, text, dialect ?? 'cos', from)
  if (file.kind !== 'buckets') {
    if (from === undefined) return undefined
    const why =
      file.kind === 'unknown'
        ? `contains no CORS configuration in the format ${from}`
        : `${file.fault.line}:${file.fault.column}: ${file.fault.message}`
    return fail(terminal, `${shown}: ${why}`, 1)
  }
  terminal.err(`note: read as a configuration of ${file.title}\n`)
  const findings = file.buckets.flatMap(({ notes: differences, findings: found }: ConvertedBucket) => [
    ...differences,
    ...found.filter(({ severity }) => severity === 'error'),
  ])
  for (const finding of findings) terminal.err(noteOrError(finding, text, terminal))
  if (hasErrors(findings)) return 1
  return file.buckets.flatMap(({ bucket, content }) =>
    content === undefined ? [] : [{ bucket, content, hasComments: false }],
  )
}

const noteOrError = (finding: Finding, text: string, { colour }: Terminal): string =>
  finding.severity === 'error'
    ? findingText(finding, text, colour)
    : `${finding.file}:${finding.line}:${finding.column}: note: ${finding.message}\n`

function ownResults(
  shown: string,
  text: string,
  { dialect, from }: ConvertFlags,
  terminal: Terminal,
): readonly Result[] | 1 {
  const own = readOwn(shown, text, dialect, isOwnFormat(from) ? from : undefined)
  const { content, findings, format, bucket } = own
  if (content === undefined) {
    for (const finding of findings.filter(({ severity }) => severity === 'error'))
      terminal.err(findingText(finding, text, terminal.colour))
    return 1
  }
  return [{ bucket, content, hasComments: commentsIn(text, format) }]
}

const isOwnFormat = (from: string | undefined): from is FileFormat =>
  from === 'yaml' || from === 'json' || from === 'xml'

function readOwn(shown: string, text: string, dialect: DialectName | undefined, from?: FileFormat) {
  const format = from ?? formatOf(shown) ?? formatOfText(text)
  const read = readRules(`given.${format}`, Buffer.from(text), dialect ?? 'cos')
  return {
    ...read,
    format,
    findings: read.findings.map((finding) => ({ ...finding, file: shown })),
  }
}

function formatOfText(text: string): FileFormat {
  const start = text.replace(/^\uFEFF/, '').trimStart()
  if (start.startsWith('<')) return 'xml'
  return /^[[{]/.test(start) ? 'json' : 'yaml'
}

/** The text of one result. `undefined`: the result cannot be converted, and the error was printed. */
function textOf(
  { content, hasComments }: Result,
  { to, dialect }: ConvertFlags,
  terminal: Terminal,
): string | undefined {
  const converted = convert(content, to, dialect ?? content.dialect ?? 'cos')
  for (const sentence of converted.lost) terminal.err(`note: ${sentence}\n`)
  if (hasComments) terminal.err('note: comments are not converted\n')
  if (converted.refusal === undefined) return converted.text
  fail(terminal, converted.refusal, 1)
  return undefined
}

function print(results: readonly Result[], flags: ConvertFlags, terminal: Terminal): 0 | 1 | 2 {
  const [only, ...more] = results
  if (only === undefined) return 1
  if (more.length > 0) {
    const names = results.map(({ bucket }) => bucket ?? '(no name)').join(', ')
    return fail(terminal, `the file has the rules of ${results.length} buckets (${names}): add --out DIR`, 2)
  }
  const text = textOf(only, flags, terminal)
  if (text === undefined) return 1
  terminal.out(text)
  return 0
}

/** Never overwrites a file: a person may have written it. */
async function writeAll(
  results: readonly Result[],
  flags: ConvertFlags & { readonly out: string },
  file: string | undefined,
  terminal: Terminal,
): Promise<0 | 1 | 2> {
  const directory = resolve(terminal.cwd, flags.out)
  const named = results.map((result) => ({ ...result, name: fileName(result, flags.to, file) }))
  const wrong = named.find(({ name }) => name === undefined || readFileName(name).kind !== 'rules')
  if (wrong !== undefined) {
    const why =
      wrong.name === undefined
        ? `the input names no bucket: leave out --out, and write the output to BUCKET.${flags.to}`
        : `${quoted(wrong.name)} cannot be the name of a rule file: a bucket name has 1 to 63 letters, digits, dots, underscores and hyphens`
    return fail(terminal, why, 2)
  }
  const unwritable = await madeDirectory(directory)
  if (unwritable !== undefined) return fail(terminal, `--out ${visible(flags.out)}: ${unwritable}`, 2)
  let code: 0 | 1 = 0
  for (const { name = '', ...result } of named) {
    const text = textOf(result, flags, terminal)
    if (text === undefined) code = 1
    else if (!(await created(join(directory, name), text))) {
      code = 1
      fail(terminal, `${join(flags.out, name)} exists and was left alone: move it away first`, 1)
    } else terminal.err(`wrote ${join(flags.out, name)}\n`)
  }
  return code
}

function fileName({ bucket }: Result, to: FileFormat, file: string | undefined): string | undefined {
  const base = bucket ?? (file === undefined ? undefined : basename(file).replace(/\.[^.]*$/, ''))
  return base === undefined ? undefined : `${base}.${to}`
}

async function madeDirectory(directory: string): Promise<string | undefined> {
  try {
    await makeDirectory(directory)
    await access(directory, constants.W_OK)
    return undefined
  } catch (error) {
    return whyUnwritable(error)
  }
}

async function created(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (isExisting(error)) return false
    throw error
  }
}

function fail<Code extends 1 | 2>(terminal: Terminal, message: string, code: Code): Code {
  terminal.err(`error: ${message}\n`)
  return code
}

/** Ignores the yaml-language-server comment, which `init` adds and `convert` does not need to keep. */
const commentsIn = (text: string, format: FileFormat): boolean =>
  format === 'yaml'
    ? /(?:^|\s)#(?! yaml-language-server:)/m.test(text)
    : format === 'xml' && text.includes('<!--')
