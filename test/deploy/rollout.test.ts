import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { patchLines, plan } from '../../src/plan/plan.ts'
import type { Snapshot } from '../../src/plan/snapshot.ts'
import { facts, identity, setup } from '../core.ts'
import {
  broken,
  folderWith,
  kubeletWrite,
  pointLink,
  storeOn,
  type TestStore,
  temporaryFolder,
} from '../rules/directory.ts'

/**
 * Replicas behind one address share only the rule files, and get a new version of them one after the other. Shows
 * what clients see in the meantime, step by step; a step is one replica that loads the new version.
 */
const replicas = 5
const app = 'https://app.example'
const old = 'https://old.example'

const rules = (origins: readonly string[], methods: readonly string[]): string =>
  `rules:\n  - allowedOrigins: [${origins.map((origin) => `"${origin}"`).join(', ')}]\n    allowedMethods: [${methods.join(', ')}]\n    exposeHeaders: [ETag]\n`
const elsewhere = { 'videos.yaml': rules([app], ['GET']) }
const before = { ...elsewhere, 'photos.yaml': rules([app, old], ['GET', 'PUT']) }
const after = { ...elsewhere, 'photos.yaml': rules([app], ['GET', 'PUT', 'DELETE']) }

interface Asked {
  readonly name: string
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
}

const preflight = (origin: string, method: string, bucket = 'photos'): Asked => ({
  name: `${origin} ${method} ${bucket}`,
  method: 'OPTIONS',
  target: `/${bucket}/object`,
  headers: ['Origin', origin, 'Access-Control-Request-Method', method],
})
const actual = (origin: string, method: string, bucket = 'photos'): Asked => ({
  name: `${origin} ${method} ${bucket}, the request itself`,
  method,
  target: `/${bucket}/object`,
  headers: ['Origin', origin],
})

/** What a client can observe of the rules: the complete response, or the changes to the store's. */
function answer(snapshot: Snapshot, { method, target, headers }: Asked): string {
  const planned = plan(snapshot, setup, facts(method, target, ['Host', 'store.test', ...headers]), identity)
  return planned.act === 'answer'
    ? JSON.stringify(planned.response)
    : JSON.stringify(patchLines(planned.patch))
}

const allows = (store: TestStore, asked: Asked): boolean =>
  answer(store.current(), asked).includes('Access-Control-Allow-Origin')

interface Replica {
  readonly mount: string
  readonly store: TestStore
}

type Payload = Readonly<Record<string, string>>

/** Several sidecars with separate mounts and the same rules. */
async function fleet(payload: Payload): Promise<readonly Replica[]> {
  return Promise.all(
    Array.from({ length: replicas }, async () => {
      const mount = await temporaryFolder()
      await kubeletWrite(mount, payload)
      const store = storeOn(mount)
      await store.reload('start')
      return { mount, store }
    }),
  )
}

async function take({ mount, store }: Replica, payload: Payload): Promise<void> {
  await kubeletWrite(mount, payload)
  await store.reload('watch')
}

/** Gives `payload` to one replica after the other; `look` sees the fleet before the first and after each. */
async function rollout(
  all: readonly Replica[],
  payload: Payload,
  look: (step: number) => void = () => {},
): Promise<void> {
  look(0)
  for (const [index, replica] of all.entries()) {
    await take(replica, payload)
    look(index + 1)
  }
}

/** How many replicas give each response. */
function tally(all: readonly Replica[], asked: Asked): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { store } of all) {
    const seen = answer(store.current(), asked)
    counts.set(seen, (counts.get(seen) ?? 0) + 1)
  }
  return counts
}

const unchanged = [
  preflight(app, 'GET', 'videos'),
  actual(app, 'GET', 'videos'),
  preflight('https://evil.example', 'GET'),
  actual('https://evil.example', 'PUT'),
]
const changed = [preflight(app, 'DELETE'), actual(app, 'DELETE'), preflight(old, 'GET'), actual(old, 'GET')]

describe('while a version of the rules is rolled out', () => {
  test.each(
    unchanged,
  )('a request that both versions answer alike is answered alike by all replicas: $name', async (asked) => {
    const all = await fleet(before)
    await rollout(all, after, () => expect(tally(all, asked).size).toBe(1))
  })

  test.each(
    changed,
  )('after k steps k replicas give the new answer and all others the old one: $name', async (asked) => {
    const all = await fleet(before)
    const was = answer((await fleet(before))[0]?.store.current() ?? expect.fail(), asked)
    const becomes = answer((await fleet(after))[0]?.store.current() ?? expect.fail(), asked)
    expect(becomes).not.toBe(was)
    await rollout(all, after, (step) => {
      const wanted = [
        [was, replicas - step],
        [becomes, step],
      ].filter(([, count]) => count !== 0)
      expect([...tally(all, asked)].toSorted()).toEqual(wanted.toSorted())
    })
  })

  test('preflight and request of a page may meet different versions in k(N-k) of N² ways, never before or after', async () => {
    const all = await fleet(before)
    const torn: number[] = []
    await rollout(all, after, () => {
      const ways = all.flatMap((one) => all.map((other) => [one.store, other.store] as const))
      // Allowed by the preflight, then not readable: the request is performed but fails for the page.
      torn.push(
        ways.filter(
          ([one, other]) => allows(one, preflight(app, 'DELETE')) && !allows(other, actual(app, 'DELETE')),
        ).length,
      )
    })
    expect(torn).toEqual([0, 4, 6, 6, 4, 0])
  })

  test('a bucket is never without rules, on any replica, at any step of a swap', async () => {
    const all = await fleet(before)
    for (const { mount, store } of all)
      await kubeletWrite(mount, after, 'before the swap', async () => {
        await store.reload('watch')
        expect(allows(store, preflight(app, 'GET'))).toBe(true)
      })
  })
})

describe('a change in two steps, wide first and narrow later', () => {
  const moved = 'https://moved.example'
  const now = { 'photos.yaml': rules([old], ['GET']) }
  const both = { 'photos.yaml': rules([old, moved], ['GET']) }
  const then = { 'photos.yaml': rules([moved], ['GET']) }

  test('in one step some replicas refuse the old page and others the new page', async () => {
    const all = await fleet(now)
    const refused: [number, number][] = []
    await rollout(all, then, () =>
      refused.push([
        all.filter(({ store }) => !allows(store, preflight(old, 'GET'))).length,
        all.filter(({ store }) => !allows(store, preflight(moved, 'GET'))).length,
      ]),
    )
    expect(refused).toEqual([0, 1, 2, 3, 4, 5].map((step) => [step, replicas - step]))
  })

  test('in two steps no replica ever refuses the page that is in use', async () => {
    const all = await fleet(now)
    await rollout(all, both, () => {
      expect(all.every(({ store }) => allows(store, preflight(old, 'GET')))).toBe(true)
    })
    // The page moves here.
    await rollout(all, then, () => {
      expect(all.every(({ store }) => allows(store, preflight(moved, 'GET')))).toBe(true)
    })
  })
})

describe('when it goes wrong', () => {
  const bad = { ...after, 'photos.yaml': broken }

  test('a version with an error changes no answer of a running replica; only a replica that starts with it refuses', async () => {
    const all = await fleet(before)
    await rollout(all, bad, () => {
      for (const asked of [...unchanged, ...changed]) expect(tally(all, asked).size).toBe(1)
    })
    for (const { store } of all)
      expect(store.current().files.map(({ file, state }) => `${file} ${state}`)).toEqual([
        'photos.yaml stale',
        'videos.yaml ok',
      ])
    const [started] = await fleet(bad)
    expect(started && allows(started.store, preflight(app, 'GET'))).toBe(false)
    expect(started && allows(started.store, preflight(app, 'GET', 'videos'))).toBe(true)
  })

  test('a rollback in the middle ends where it began, from any state of the replicas', async () => {
    const all = await fleet(before)
    const answers = (): readonly string[] =>
      all.flatMap(({ store }) => [...unchanged, ...changed].map((asked) => answer(store.current(), asked)))
    const first = answers()
    for (const replica of all.slice(0, 3)) await take(replica, after)
    expect(answers()).not.toEqual(first)
    await rollout(all, before)
    expect(answers()).toEqual(first)
  })
})

test('with git-sync a replica takes a commit whole, by one link', async () => {
  const root = await temporaryFolder()
  const commit = (name: string, payload: Payload): Promise<string> =>
    folderWith(join(root, '.worktrees', name, 'rules'), payload)
  await mkdir(join(root, '.worktrees'))
  await commit('one', before)
  await pointLink(join(root, 'current'), join('.worktrees', 'one'))
  const store = storeOn(join(root, 'current', 'rules'))
  await store.reload('start')
  await commit('two', { ...after, 'more.yaml': rules([app], ['GET']) })
  await store.reload('watch')
  expect(allows(store, preflight(app, 'DELETE'))).toBe(false)
  await pointLink(join(root, 'current'), join('.worktrees', 'two'))
  expect(await store.reload('watch')).toMatchObject({ result: 'applied', successful: true })
  expect(allows(store, preflight(app, 'DELETE'))).toBe(true)
  expect([...store.current().buckets.keys()].toSorted()).toEqual(['more', 'photos', 'videos'])
})

test('the ConfigMaps of a projected volume are one directory and one swap', async () => {
  const mount = await temporaryFolder()
  const shard = (number: number, version: number): Payload =>
    Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [
        `bucket-${number}-${index}.yaml`,
        rules([`https://v${version}.example`], ['GET']),
      ]),
    )
  const shards = (version: number): Payload =>
    Object.assign({}, ...[0, 1, 2, 3].map((number) => shard(number, version)))
  await kubeletWrite(mount, shards(1))
  const store = storeOn(mount)
  await store.reload('start')
  expect(store.current().buckets.size).toBe(200)
  const kept = store.current().buckets.get('bucket-2-7')
  // One file of one shard.
  await kubeletWrite(mount, { ...shards(1), 'bucket-3-0.yaml': rules([app], ['GET']) })
  expect((await store.reload('watch')).changes.map(({ file }) => file)).toEqual(['bucket-3-0.yaml'])
  expect(store.current().buckets.get('bucket-2-7')).toBe(kept)
  expect((await readdir(mount)).filter((name) => name.endsWith('.yaml'))).toHaveLength(200)
})
