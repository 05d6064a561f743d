import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Snapshot } from '../../src/plan/snapshot.ts'
import { readRuleFile } from '../../src/rule-file/read.ts'
import type { RuleReader } from '../../src/rules/adopt.ts'
import { type Clock, systemClock } from '../../src/rules/clock.ts'
import { createRulesStore, type RulesStore, type RulesStoreOptions } from '../../src/rules/store.ts'

/** An empty folder, removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cors-sidecar-rules-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A rule file that is identified by its version, which is in every part of it. */
export const rulesOf = (version: number, more = ''): string =>
  `${more}rules:
  - id: v${version}
    allowedOrigins: ["https://v${version}.example"]
    allowedMethods: [GET, HEAD]
    allowedHeaders: []
    exposeHeaders: [x-version-${version}]
    maxAgeSeconds: ${version}
`

/** Not valid in any format. */
export const broken = 'rules: [\n'

/** The version that each bucket is served with; `none`: the bucket has a file that was never valid. */
export function liveVersions({ buckets, fallback, service }: Snapshot): Record<string, number | 'none'> {
  const policies = [...buckets.values(), fallback, service].filter((policy) => policy !== undefined)
  return Object.fromEntries(policies.map(({ name, rules }) => [name, rules[0]?.rule.maxAgeSeconds ?? 'none']))
}

export async function folderWith(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  return folder
}

/** Writes a new file and renames it, the recommended way to replace a file. */
export async function replace(folder: string, file: string, text: string): Promise<void> {
  await writeFile(join(folder, `.${file}.new`), text)
  await rename(join(folder, `.${file}.new`), join(folder, file))
}

/** Makes `link` a symbolic link to `target` in one step. */
export async function pointLink(link: string, target: string): Promise<void> {
  await symlink(target, `${link}.new`)
  await rename(`${link}.new`, link)
}

/** What happens between two steps. */
export type Between = (step: string) => Promise<void>

/**
 * What the kubelet does to a mounted ConfigMap (AtomicWriter, pkg/volume/util/atomic_writer.go). Older versions
 * create the links of new files before the swap, so that they dangle for a moment; newer ones after it.
 */
export async function kubeletWrite(
  target: string,
  payload: Readonly<Record<string, string>>,
  links: 'before the swap' | 'after the swap' = 'after the swap',
  between: Between = async () => {},
): Promise<void> {
  const data = join(target, '..data')
  const oldFolder = await readlink(data).catch(() => undefined)
  const newFolder = await mkdtemp(join(target, '..2026_11_21_00_00_00.'))
  await chmod(newFolder, 0o755)
  for (const [file, text] of Object.entries(payload)) {
    await writeFile(join(newFolder, file), text)
    await chmod(join(newFolder, file), 0o644)
  }
  const makeLinks = async (): Promise<void> => {
    for (const file of Object.keys(payload))
      if ((await readlink(join(target, file)).catch(() => undefined)) === undefined)
        await symlink(join('..data', file), join(target, file))
    await between('links made')
  }
  await between('payload written')
  if (links === 'before the swap') await makeLinks()
  await symlink(basename(newFolder), join(target, '..data_tmp'))
  await rename(join(target, '..data_tmp'), data)
  await between('swapped')
  if (links === 'after the swap') await makeLinks()
  if (oldFolder === undefined) return
  for (const file of await readdir(join(target, oldFolder)))
    if (!(file in payload)) await unlink(join(target, file))
  await between('stale links removed')
  await rm(join(target, oldFolder), { recursive: true })
  await between('old folder removed')
}

export interface ManualClock extends Clock {
  /** Lets time pass. */
  pass(milliseconds: number): void
  /** `action` runs during the next wait. */
  duringNextWait(action: () => Promise<void>): void
}

/** A clock that advances only when code waits, so that tests are fast and deterministic. */
export function manualClock(): ManualClock {
  let elapsed = 0
  let action = async (): Promise<void> => {}
  return {
    now: () => Date.now() + elapsed,
    elapsed: () => elapsed,
    async wait(milliseconds) {
      elapsed += milliseconds
      const happens = action
      action = async () => {}
      await happens()
    },
    turn: systemClock.turn,
    pass(milliseconds) {
      elapsed += milliseconds
    },
    duringNextWait(happens) {
      action = happens
    },
  }
}

export interface TestStore extends RulesStore {
  readonly clock: ManualClock
  /** As {@link liveVersions}. */
  live(): Record<string, number | 'none'>
}

/** In the test's own process, because starting a child takes seconds on a busy machine. */
const readHere: RuleReader = async (...given) => readRuleFile(...given)

export function storeOn(directory: string, options: Partial<RulesStoreOptions> = {}): TestStore {
  const clock = manualClock()
  const store = createRulesStore({ directory, dialect: 'cos', read: readHere, clock, ...options })
  return { ...store, clock, live: () => liveVersions(store.current()) }
}
