import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { followCredentials } from '../../src/bucket-cors/credentials-file.ts'

let folder: string
let file: string
let seen: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'))
  file = join(folder, 'credentials.yaml')
  seen = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const follow = () => followCredentials(file, (problems) => seen.push(...problems))
const keyFile = (id: string): string => `accessKeys: [{id: ${id}, secret: s}]\n`
const ids = async (keys: ReturnType<typeof follow>): Promise<string[]> => [...((await keys())?.keys() ?? [])]

test('the next call uses a file that was rewritten in place or by rename, even within one tick of the clock', async () => {
  await writeFile(file, keyFile('A'))
  const keys = follow()
  expect(await ids(keys)).toEqual(['A'])
  await writeFile(file, keyFile('B'))
  expect(await ids(keys)).toEqual(['B'])
  await writeFile(join(folder, 'new'), keyFile('C'))
  await rename(join(folder, 'new'), file)
  expect(await ids(keys)).toEqual(['C'])
  expect(seen).toEqual([])
})

test('a file that does not change is read once', async () => {
  await writeFile(file, keyFile('A'))
  const keys = follow()
  expect(await ids(keys)).toEqual(['A'])
  await utimes(file, 1, 1)
  expect(await ids(keys)).toEqual(['A'])
  await writeFile(file, keyFile('B'))
  expect(await ids(keys)).toEqual(['B'])
})

test('a missing or invalid file gives no keys, and is reported once', async () => {
  const keys = follow()
  expect(await keys()).toBeUndefined()
  expect(await keys()).toBeUndefined()
  expect(seen).toEqual([`${file}: the access keys cannot be read: it does not exist`])
  await writeFile(file, keyFile('A'))
  expect(await ids(keys)).toEqual(['A'])
  await writeFile(file, 'accessKeys: []\n')
  expect(await keys()).toBeUndefined()
  expect(await keys()).toBeUndefined()
  expect(seen).toHaveLength(2)
  expect(seen[1]).toMatch(/credentials\.yaml:1:13: access-keys: /)
})

test('concurrent calls share one read of the file, or use a later one', async () => {
  await writeFile(file, keyFile('A'))
  const keys = follow()
  const found = await Promise.all(Array.from({ length: 20 }, () => ids(keys)))
  expect(found).toEqual(found.map(() => ['A']))
})
