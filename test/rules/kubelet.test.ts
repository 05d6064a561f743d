import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { broken, kubeletWrite, liveVersions, rulesOf, storeOn, temporaryFolder } from './directory.ts'

const orders = ['before the swap', 'after the swap'] as const
const payload = (version: number, buckets: readonly string[]): Record<string, string> =>
  Object.fromEntries(buckets.map((bucket) => [`${bucket}.yaml`, rulesOf(version)]))

describe.each(orders)('a ConfigMap mount whose links are made %s', (links) => {
  test('is read once, not once for every path that leads to a file', async () => {
    const mount = await temporaryFolder()
    await kubeletWrite(mount, payload(1, ['a', 'b']), links)
    const store = storeOn(mount)
    expect(await store.reload('start')).toMatchObject({ successful: true, findings: [] })
    expect(store.live()).toEqual({ a: 1, b: 1 })
    expect(store.current().files.map(({ file }) => file)).toEqual(['a.yaml', 'b.yaml'])
  })

  test('applies changed, new and removed keys of a swap together', async () => {
    const mount = await temporaryFolder()
    await kubeletWrite(mount, payload(1, ['a', 'b']), links)
    const store = storeOn(mount)
    await store.reload('start')
    await kubeletWrite(mount, payload(2, ['b', 'c']), links)
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', successful: true })
    expect(store.live()).toEqual({ b: 2, c: 2 })
    expect(store.current().generation).toBe(2)
  })

  test('keeps the compiled rules of keys that a swap did not change', async () => {
    const mount = await temporaryFolder()
    await kubeletWrite(mount, { ...payload(1, ['a']), ...payload(7, ['b']) }, links)
    const store = storeOn(mount)
    await store.reload('start')
    const before = store.current()
    await kubeletWrite(mount, { ...payload(2, ['a']), ...payload(7, ['b']) }, links)
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 2, b: 7 })
    expect(store.current().buckets.get('b')).toBe(before.buckets.get('b'))
  })

  test('serves one complete generation if a reload happens at any step of a swap', async () => {
    const mount = await temporaryFolder()
    await kubeletWrite(mount, payload(1, ['a', 'b', 'c']), links)
    const store = storeOn(mount)
    await store.reload('start')
    const steps: string[] = []
    for (let version = 2; version < 6; version++)
      await kubeletWrite(mount, payload(version, ['a', 'b', 'c', `only${version}`]), links, async (step) => {
        const result = await store.reload('watch')
        steps.push(step)
        const { a, b, c } = store.live()
        expect([b, c]).toEqual([a, a])
        expect([version - 1, version]).toContain(a)
        expect(result.failure).toBeUndefined()
      })
    expect(new Set(steps).size).toBe(5)
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 5, b: 5, c: 5, only5: 5 })
    expect(store.current().files.every(({ state }) => state === 'ok')).toBe(true)
  })

  test('that is swapped again while a change settles takes all of the last generation', async () => {
    const mount = await temporaryFolder()
    await kubeletWrite(mount, payload(1, ['a', 'b']), links)
    const store = storeOn(mount)
    await store.reload('start')
    await kubeletWrite(mount, { ...payload(2, ['a']), ...payload(1, ['b']) }, links)
    // Written in place, so it needs the debounce time; the files of a mount are complete when their link is
    // swapped.
    await writeFile(join(mount, 'c.yaml'), rulesOf(3))
    store.clock.duringNextWait(() => kubeletWrite(mount, payload(3, ['a', 'b']), links))
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 3, b: 3, c: 3 })
    expect(store.current().generation).toBe(2)
  })

  test('keeps the last good rules of a key that a swap broke', async () => {
    const mount = await temporaryFolder()
    await kubeletWrite(mount, payload(1, ['a', 'b']), links)
    const store = storeOn(mount)
    await store.reload('start')
    await kubeletWrite(mount, { 'a.yaml': broken, 'b.yaml': rulesOf(2) }, links)
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', successful: false })
    expect(store.live()).toEqual({ a: 1, b: 2 })
  })
})

test('swaps as fast as the disk allows never mix two generations', async () => {
  const mount = await temporaryFolder()
  const buckets = Array.from({ length: 20 }, (_, index) => `bucket-${index}`)
  await kubeletWrite(mount, payload(1, buckets))
  const store = storeOn(mount)
  await store.reload('start')
  const last = 40
  let swapping = true
  const swaps = (async () => {
    for (let version = 2; version <= last; version++) await kubeletWrite(mount, payload(version, buckets))
    swapping = false
  })()
  let latest = 1
  while (swapping) {
    const { snapshot } = await store.reload('watch')
    const versions = new Set(Object.values(liveVersions(snapshot)))
    expect(versions.size).toBe(1)
    const [version] = versions
    expect(version).toBeGreaterThanOrEqual(latest)
    latest = Number(version)
  }
  await swaps
  await store.reload('watch')
  expect(new Set(Object.values(store.live()))).toEqual(new Set([last]))
  expect((await readdir(mount)).filter((name) => name.startsWith('..'))).toHaveLength(2)
})
