import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ChildFailure } from '../src/children/children.ts'
import type { DialectName } from '../src/cors/rule.ts'
import { type Finding, findingAbout } from '../src/plan/finding.ts'
import { maxBytesRead } from '../src/rule-file/bytes.ts'
import { conflictsBetween, type NamedFile } from '../src/rule-file/conflicts.ts'
import { readFileName } from '../src/rule-file/names.ts'
import type { RuleReading } from '../src/rule-file/read.ts'
import { readInChild } from '../src/rules/read-in-child.ts'
import { readStart } from '../src/rules/read-start.ts'
import { systemRefusal } from '../src/text/system-error.ts'

export interface RuleInput {
  readonly findings: readonly Finding[]
  /** Text of each file that was read, by its name in findings. */
  readonly texts: ReadonlyMap<string, string>
  readonly counts: { readonly rules: number; readonly tests: number }
  /** One sentence per path that could not be read: a mistake on the command line, or an inaccessible file. */
  readonly unreadable: readonly string[]
}

/**
 * Reads rule files and directories as `serve` does: without subfolders, hidden names and other extensions.
 * `resolvePath` makes a path of the command line absolute; findings show it as given.
 */
export async function readRuleInput(
  paths: readonly string[],
  dialect: DialectName,
  resolvePath: (path: string) => string,
): Promise<RuleInput> {
  const input = {
    findings: [] as Finding[],
    texts: new Map<string, string>(),
    unreadable: [] as string[],
    counts: { rules: 0, tests: 0 },
  }
  const byFolder = new Map<string, NamedFile[]>()
  const files = new Map<string, ListedFile>()
  for (const path of paths)
    for (const file of await listed(path, resolvePath, input)) {
      const place = join(file.folder, file.name)
      if (!files.has(place)) files.set(place, file)
    }
  const readings = [...files].map(async ([place, file]) => ({
    file,
    named: await readOne(file.shown, place, file.name, dialect, input),
  }))
  for (const { file, named } of await Promise.all(readings))
    if (named !== undefined) byFolder.set(file.folder, [...(byFolder.get(file.folder) ?? []), named])
  // Per folder, because teams keep a folder for each stage, with the same names in each.
  const conflicts = [...byFolder.values()].flatMap((files) => conflictsBetween(files))
  const findings = [...input.findings, ...conflicts].sort(byPlace)
  return { ...input, findings }
}

interface Collected {
  readonly findings: Finding[]
  readonly texts: Map<string, string>
  readonly unreadable: string[]
  readonly counts: { rules: number; tests: number }
}

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0)

const byPlace = (a: Finding, b: Finding): number =>
  compare(a.file, b.file) || a.line - b.line || a.column - b.column

interface ListedFile {
  readonly shown: string
  readonly folder: string
  readonly name: string
}

async function listed(
  path: string,
  resolvePath: (path: string) => string,
  input: Collected,
): Promise<ListedFile[]> {
  const place = resolvePath(path)
  try {
    if (!(await stat(place)).isDirectory()) return fileAt(path, place, input)
    const names = (await readdir(place, { withFileTypes: true }))
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name)
      .filter((name) => readFileName(name).kind !== 'ignored')
      .sort()
    if (names.length === 0)
      input.findings.push(findingAbout(path, 'no-rule-files', 'no rule files in this directory'))
    return names.map((name) => ({ shown: join(path, name), folder: place, name }))
  } catch (reason) {
    input.unreadable.push(`${path}: ${systemRefusal(reason)}`)
    return []
  }
}

function fileAt(path: string, place: string, input: Collected): ListedFile[] {
  const name = basename(place)
  const read = readFileName(name)
  if (read.kind === 'rules' || (read.kind === 'refused' && read.finding.severity === 'error'))
    return [{ shown: path, folder: dirname(place), name }]
  // A directory scan skips such a file. If the command line names it, report it, or the user assumes that it was checked.
  const why = /\.tf$/.test(name)
    ? 'Terraform source is a program and cannot be read: run "terraform show -json" and convert its output'
    : read.kind === 'refused'
      ? read.finding.message
      : 'not the name of a rule file: rename it to BUCKET.yaml, .yml, .json or .xml'
  input.unreadable.push(`${path}: ${why}`)
  return []
}

async function readOne(
  shown: string,
  place: string,
  base: string,
  dialect: DialectName,
  input: Collected,
): Promise<NamedFile | undefined> {
  const name = readFileName(base)
  if (name.kind === 'refused') input.findings.push({ ...name.finding, file: shown })
  if (name.kind !== 'rules') return undefined
  const read = await readRuleFile(shown, place, dialect)
  if (typeof read === 'string') {
    input.findings.push(findingAbout(shown, 'file-unreadable', read))
    input.unreadable.push(`${shown}: ${read}`)
    return undefined
  }
  input.findings.push(...read.findings)
  input.texts.set(shown, read.text)
  input.counts.rules += read.counts?.rules ?? 0
  input.counts.tests += read.counts?.tests ?? 0
  return { file: shown, bucket: name.bucket, hosts: read.hosts }
}

/** Reads the file at `place`, or says why it cannot be read. `shown` names it in findings. */
async function readRuleFile(
  shown: string,
  place: string,
  dialect: DialectName,
): Promise<TextReading | string> {
  try {
    // Opening a pipe would wait for a writer.
    if (!(await stat(place)).isFile()) return 'not a regular file'
    const bytes = await readStart(place, maxBytesRead)
    return await readBytes(shown, bytes, dialect)
  } catch (reason) {
    return systemRefusal(reason)
  }
}

interface TextReading extends RuleReading {
  readonly text: string
}

/** Reads the rules in `bytes`, or says why they cannot be read. The extension of `file` selects the format. */
async function readBytes(
  file: string,
  bytes: Uint8Array,
  dialect: DialectName,
): Promise<TextReading | string> {
  try {
    return { ...(await readInChild(file, bytes, dialect)), text: new TextDecoder().decode(bytes) }
  } catch (reason) {
    if (reason instanceof ChildFailure) return reason.message
    throw reason
  }
}
