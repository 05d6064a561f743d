import type { DialectName } from '../cors/rule.ts'
import type { Finding } from '../rule-file/issue.ts'
import { readFileName } from '../rule-file/names.ts'
import type { ReadRules } from '../rule-file/read.ts'
import { contentOf, type TakenFile } from './file-index.ts'
import type { Sighting } from './reading.ts'

/** `readRules`, or what a test puts in its place. */
export type RuleReader = (file: string, bytes: Uint8Array, dialect: DialectName) => ReadRules

/**
 * Makes a rule file of what was seen under a name, whatever that is; `undefined` of nothing. `bytes` are those that the
 * sighting was made of.
 */
export type Take = (file: string, sighting: Sighting, bytes: Uint8Array | undefined) => TakenFile | undefined

type Meaning = Pick<TakenFile, 'content' | 'findings' | 'hosts'>

/** How to take files when `before` were taken before. What has been read once, under whatever name, is not read again. */
export function createTake(
  before: () => readonly TakenFile[],
  readRules: RuleReader,
  dialect: DialectName,
): Take {
  let meanings: Map<string, Meaning> | undefined
  return (file, sighting, bytes) => {
    const hash = contentOf(sighting)
    if (hash === undefined) return undefined
    const name = readFileName(file)
    const bucket = name.kind === 'rules' ? name.bucket : file.slice(0, file.lastIndexOf('.'))
    if (name.kind === 'refused') return { file, bucket, hash, ...refusedFor(name.finding) }
    if (sighting.kind === 'unreadable')
      return { file, bucket, hash, ...refusedFor(notRead(file, sighting.why)) }
    if (bytes === undefined) throw new Error(`${file} is to be taken, but was not read`)
    meanings ??= meaningsOf(before())
    const key = meaningKey(file, hash)
    const known = meanings.get(key)
    const meaning = known === undefined ? understood(file, bytes, readRules, dialect) : underName(file, known)
    meanings.set(key, meaning)
    return { file, bucket, hash, ...meaning }
  }
}

const meaningsOf = (files: readonly TakenFile[]): Map<string, Meaning> =>
  new Map(files.map((taken) => [meaningKey(taken.file, taken.hash), taken]))

/** What a file means depends on its bytes and on its format, and on nothing else that is in its name. */
const meaningKey = (file: string, hash: string): string => `${file.slice(file.lastIndexOf('.'))}:${hash}`

const underName = (file: string, { content, findings, hosts }: Meaning): Meaning => ({
  content,
  findings: findings.map((finding) => ({ ...finding, file })),
  hosts,
})

/** One file must never keep the others from being loaded, not even one that brings down its reader. */
function understood(file: string, bytes: Uint8Array, readRules: RuleReader, dialect: DialectName): Meaning {
  try {
    const { content, findings, hosts } = readRules(file, bytes, dialect)
    return { content, findings, hosts }
  } catch (error) {
    const message = `could not be understood (${error instanceof Error ? error.message : String(error)})`
    return refusedFor(errorIn(file, 'file-unreadable', message))
  }
}

const refusedFor = (finding: Finding): Meaning => ({
  content: undefined,
  findings: [finding],
  hosts: [],
})

const reasons: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'this process may not read it: look at its owner and mode'],
  ['EPERM', 'this process may not read it: look at its owner and mode'],
  ['ENOENT', 'a symbolic link that leads nowhere'],
  ['ELOOP', 'a symbolic link that leads back to itself'],
  ['irregular', 'neither a file nor a link to one'],
])

const notRead = (file: string, why: string): Finding =>
  errorIn(file, 'file-unreadable', `not read: ${reasons.get(why) ?? `the system says ${why}`}`)

const errorIn = (file: string, code: string, message: string): Finding => ({
  file,
  line: 1,
  column: 1,
  severity: 'error',
  code,
  message,
})
