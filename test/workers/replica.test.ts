import { describe, expect, test } from 'vitest'
import {
  compilePolicy,
  type LoadedFile,
  nextSnapshot,
  nothingLoaded,
  type Snapshot,
} from '../../src/plan/snapshot.ts'
import { createReplica, partsBetween, type Replica } from '../../src/workers/replica.ts'
import { loaded, rule, ruleFile } from '../core.ts'

const good = (bucket: string, version: number, file = `${bucket}.yaml`): LoadedFile => ({
  ...loaded(
    bucket,
    ruleFile({ rules: [rule({ id: `v${version}` })], hosts: [`${bucket}.example`] }),
    `v${version}`,
  ),
  file,
})
const bad = (bucket: string, hash = 'bad', file = `${bucket}.yaml`): LoadedFile => ({
  ...loaded(bucket, undefined, hash),
  file,
  findings: [{ file, line: 1, column: 1, severity: 'error', code: 'empty-list', message: 'wrong' }],
})

/** The fields of a snapshot that decide, without functions and caches, so that two snapshots can be compared. */
const essence = ({ generation, buckets, foldedNames, hosts, fallback, service, files }: Snapshot) => ({
  generation,
  buckets: [...buckets].map(([name, { file }]) => [name, file]),
  foldedNames: [...foldedNames],
  hosts: [...hosts],
  fallback: fallback?.file,
  service: service?.file,
  files,
})

function bring(replica: Replica, before: Snapshot, after: Snapshot): number {
  const parts = [...partsBetween(before, after)]
  const live = parts.map((part) => replica.take(structuredClone(part)))
  expect(live.indexOf(true)).toBe(parts.length - 1)
  return parts.reduce((sum, { changed }) => sum + changed.length, 0)
}

describe('a replica', () => {
  // Sorted by name, as files are loaded.
  const history = [
    [good('a', 1), good('b', 1), bad('c')],
    [good('_default', 1), good('_service', 1), good('a', 2), good('b', 1), bad('c')],
    [good('_default', 1), good('_service', 2), bad('a'), good('b', 1), good('c', 1)],
    [bad('_default'), bad('a', 'worse'), good('b', 1), good('c', 1)],
    // Two files for one bucket: both have an error, and its last good rules stay.
    [bad('b', 'v1', 'b.json'), bad('b', 'v1'), bad('a', 'worse')],
    [good('b', 1), good('a', 3)],
    [],
    [bad('a'), good('B', 1), good('b', 4)],
  ].map((files) => files.toSorted((one, other) => (one.file < other.file ? -1 : 1)))

  test('has the same rules as the process that reads the directory, after each change', () => {
    const replica = createReplica('oss')
    let before = nothingLoaded
    for (const [index, files] of history.entries()) {
      const after = nextSnapshot(before, files, 'oss', index)
      bring(replica, before, after)
      expect(essence(replica.current())).toEqual(essence(after))
      before = after
    }
  })

  test('that starts late has the last good rules of files that were in error before it started', () => {
    let before = nothingLoaded
    for (const [index, files] of history.entries()) {
      before = nextSnapshot(before, files, 'cos', index)
      const late = createReplica('cos')
      bring(late, nothingLoaded, before)
      expect(essence(late.current())).toEqual(essence(before))
    }
  })

  test('may skip generations', () => {
    const replica = createReplica('cos')
    let latest = nothingLoaded
    const all = history.map((files, index) => {
      latest = nextSnapshot(latest, files, 'cos', index)
      return latest
    })
    let before = nothingLoaded
    for (const after of all.filter((_, index) => index % 2 === 1)) {
      bring(replica, before, after)
      expect(essence(replica.current())).toEqual(essence(after))
      before = after
    }
  })

  test('receives only changes, and compiles only changed rules', () => {
    const many = Array.from({ length: 1000 }, (_, index) => good(`bucket-${index}`, 1))
    const before = nextSnapshot(nothingLoaded, many, 'cos', 0)
    const after = nextSnapshot(
      before,
      [...many.slice(0, 500), good('bucket-500', 2), ...many.slice(501)],
      'cos',
      1,
    )
    const replica = createReplica('cos')
    expect(bring(replica, nothingLoaded, before)).toBe(1000)
    const kept = replica.current().buckets.get('bucket-1')
    expect(bring(replica, before, after)).toBe(1)
    expect(replica.current().buckets.get('bucket-1')).toBe(kept)
    expect(replica.current().buckets.get('bucket-500')?.rules[0]?.label).toBe('v2')
    expect(compilePolicy('bucket-500', good('bucket-500', 2).content ?? ruleFile(), 'cos').dialect).toBe(
      replica.current().buckets.get('bucket-500')?.dialect,
    )
  })

  test('applies a change only after its last part has arrived', () => {
    const many = Array.from({ length: 450 }, (_, index) => good(`bucket-${index}`, 1))
    const replica = createReplica('cos')
    const parts = [...partsBetween(nothingLoaded, nextSnapshot(nothingLoaded, many, 'cos', 0))]
    expect(parts.map(({ changed }) => changed.length)).toEqual([200, 200, 50])
    for (const part of parts.slice(0, -1)) replica.take(part)
    expect(replica.current()).toBe(nothingLoaded)
    for (const part of parts.slice(-1)) replica.take(part)
    expect(replica.current().buckets.size).toBe(450)
  })
})
