import { ChildFailure } from '../children/children.ts'
import type { DialectName } from '../cors/rule.ts'
import { type Finding, findingAbout } from '../plan/finding.ts'
import { compilePolicy } from '../plan/snapshot.ts'
import { readFileName } from '../rule-file/names.ts'
import type { RuleReading } from '../rule-file/read.ts'
import { messageOf, systemErrorMeaning } from '../text/system-error.ts'
import { type AdoptedFile, contentOf } from './file-index.ts'
import type { Stat } from './reading.ts'

/** {@link readInChild}, or its replacement in a test. */
export type RuleReader = (file: string, bytes: Uint8Array, dialect: DialectName) => Promise<RuleReading>

/**
 * Turns what a look found under a name into a compiled rule file, or `undefined` if there is none. `bytes` must be
 * those that `stat` describes. Never rejects because of a file: one bad file must not keep the others from being
 * loaded.
 */
export type Adopt = (
  file: string,
  stat: Stat,
  bytes: Uint8Array | undefined,
) => Promise<AdoptedFile | undefined>

/** Reuses the result for bytes that were read before, under another name or in the look before. */
export function createAdopt(
  before: () => readonly AdoptedFile[],
  readRules: RuleReader,
  dialect: DialectName,
): Adopt {
  let adopted: ReadonlyMap<string, AdoptedFile> | undefined
  const readings = new Map<string, Promise<RuleReading>>()

  async function readingOf(file: string, hash: string, bytes: Uint8Array): Promise<RuleReading> {
    adopted ??= byHash(before())
    const earlier = adopted.get(hash)
    if (earlier !== undefined && extension(earlier.file) === extension(file)) return underName(file, earlier)
    const key = `${extension(file)}:${hash}`
    const known = readings.get(key)
    if (known !== undefined) return underName(file, await known)
    const reading = understood(file, bytes, readRules, dialect)
    readings.set(key, reading)
    return reading
  }

  return async (file, stat, bytes) => {
    const hash = contentOf(stat)
    if (hash === undefined) return undefined
    const name = readFileName(file)
    const bucket = name.kind === 'rules' ? name.bucket : file.slice(0, file.lastIndexOf('.'))
    if (name.kind === 'refused') return { file, bucket, hash, ...refusedFor(name.finding) }
    if (stat.kind === 'unreadable') return { file, bucket, hash, ...refusedFor(notRead(file, stat.why)) }
    if (bytes === undefined) throw new Error(`${file} is to be adopted, but was not read`)
    const { content, findings, hosts } = await readingOf(file, hash, bytes)
    // Compiled here, one file at a time as the children deliver them: compiling all at once would block requests.
    const policy = content === undefined ? undefined : compilePolicy(bucket, content, dialect)
    return { file, bucket, hash, content, policy, findings, hosts }
  }
}

function byHash(files: readonly AdoptedFile[]): ReadonlyMap<string, AdoptedFile> {
  const found = new Map<string, AdoptedFile>()
  for (const file of files) found.set(file.hash, file)
  return found
}

/** What a file means depends only on its bytes and its format, not on the rest of its name. */
const extension = (file: string): string => file.slice(file.lastIndexOf('.'))

const underName = (file: string, { content, findings, hosts }: RuleReading): RuleReading => ({
  content,
  findings: findings.map((finding) => ({ ...finding, file })),
  hosts,
})

async function understood(
  file: string,
  bytes: Uint8Array,
  readRules: RuleReader,
  dialect: DialectName,
): Promise<RuleReading> {
  try {
    return await readRules(file, bytes, dialect)
  } catch (error) {
    const why = messageOf(error)
    const message =
      error instanceof ChildFailure
        ? `not read: ${why}; split the file, or write it more simply`
        : `could not be understood (${why}): report this as a bug`
    return refusedFor(findingAbout(file, 'file-unreadable', message))
  }
}

const refusedFor = (finding: Finding): RuleReading => ({
  content: undefined,
  findings: [finding],
  hosts: [],
})

const notRead = (file: string, why: string): Finding =>
  findingAbout(file, 'file-unreadable', `not read: ${meaningOf(why)}`)

function meaningOf(why: string): string {
  if (why === 'irregular') return 'neither a file nor a link to one'
  // The directory lists the name.
  return why === 'ENOENT' ? 'it is a symbolic link that leads nowhere' : systemErrorMeaning(why)
}
