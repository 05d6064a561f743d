import { ChildFailure } from '../children/children.ts'
import type { DialectName } from '../cors/rule.ts'
import { type Finding, findingAbout } from '../plan/finding.ts'
import { compilePolicy } from '../plan/snapshot.ts'
import { readFileName } from '../rule-file/names.ts'
import type { RuleReading } from '../rule-file/read.ts'
import { messageOf, systemErrorMeaning } from '../text/system-error.ts'
import type { Clock } from './clock.ts'
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

/** Reuses the result for bytes that were read before, under another name or in the previous look. */
export function createAdopt(
  before: () => readonly AdoptedFile[],
  readRules: RuleReader,
  dialect: DialectName,
  clock: Clock,
): Adopt {
  const inSlice = createSlices(clock)
  let adopted: ReadonlyMap<string, AdoptedFile> | undefined
  const readings = new Map<string, Promise<Understood>>()

  async function readingOf(file: string, hash: string, bytes: Uint8Array): Promise<Understood> {
    adopted ??= byHash(before())
    const earlier = adopted.get(hash)
    if (earlier !== undefined && extension(earlier.file) === extension(file)) return underName(file, earlier)
    const key = `${extension(file)}:${hash}`
    const known = readings.get(key)
    if (known !== undefined) return underName(file, await known)
    const reading = understood(file, bytes, readRules, dialect, clock.elapsed)
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
    const { content, findings, hosts, failedAt } = await readingOf(file, hash, bytes)
    const policy =
      content === undefined ? undefined : await inSlice(() => compilePolicy(bucket, content, dialect))
    return {
      file,
      bucket,
      hash,
      content,
      policy,
      findings,
      hosts,
      ...(failedAt === undefined ? {} : { failedAt }),
    }
  }
}

/** Milliseconds of compiling after which requests get their turn. */
const slice = 3

/**
 * Runs functions one after the other, and yields once a slice: the children deliver dozens of files in one turn of the
 * event loop, and compiling all of them would block requests.
 */
function createSlices({ elapsed, turn }: Clock): <Result>(work: () => Result) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve()
  let began = Number.NEGATIVE_INFINITY
  return (work) => {
    const done = last.then(async () => {
      if (elapsed() - began > slice) {
        await turn()
        began = elapsed()
      }
      return work()
    })
    last = done.catch(() => undefined)
    return done
  }
}

function byHash(files: readonly AdoptedFile[]): ReadonlyMap<string, AdoptedFile> {
  const found = new Map<string, AdoptedFile>()
  for (const file of files) if (file.failedAt === undefined) found.set(file.hash, file)
  return found
}

/** What a file means depends only on its bytes and its format, not on the rest of its name. */
const extension = (file: string): string => file.slice(file.lastIndexOf('.'))

const underName = (file: string, { findings, ...reading }: Understood): Understood => ({
  ...reading,
  findings: findings.map((finding) => ({ ...finding, file })),
})

type Understood = Pick<AdoptedFile, 'content' | 'findings' | 'hosts' | 'failedAt'>

async function understood(
  file: string,
  bytes: Uint8Array,
  readRules: RuleReader,
  dialect: DialectName,
  elapsed: Clock['elapsed'],
): Promise<Understood> {
  try {
    return await readRules(file, bytes, dialect)
  } catch (error) {
    const why = messageOf(error)
    if (!(error instanceof ChildFailure)) {
      const message = `internal error while this file was read (${why}): report it as a bug`
      return refusedFor(findingAbout(file, 'file-unreadable', message))
    }
    const message = `not read: ${why}; it is tried again after a minute. If that does not help, shorten the file, or give the sidecar more CPU and memory`
    return { ...refusedFor(findingAbout(file, 'file-unreadable', message)), failedAt: elapsed() }
  }
}

const refusedFor = (finding: Finding): Understood => ({
  content: undefined,
  findings: [finding],
  hosts: [],
})

const notRead = (file: string, why: string): Finding =>
  findingAbout(file, 'file-unreadable', `not read: ${meaningOf(why)}`)

function meaningOf(why: string): string {
  if (why === 'irregular') return 'neither a file nor a link to one'
  // The directory lists the name, so ENOENT means a link whose target is missing.
  return why === 'ENOENT' ? 'it is a symbolic link that leads nowhere' : systemErrorMeaning(why)
}
