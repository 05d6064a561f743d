import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { atOnceWhileQuick, type FileCalls, inBackground } from '../../src/rules/file-calls.ts'
import { folderWith, temporaryFolder } from './directory.ts'

afterEach(() => void vi.restoreAllMocks())

/** Calls to which the file system seems to answer in `milliseconds` each. */
function answeredIn(milliseconds: number): FileCalls {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => (now += milliseconds))
  return atOnceWhileQuick()
}

/** Whether `call` is answered before the event loop turns. */
async function isAtOnce(call: Promise<unknown>): Promise<boolean> {
  let answered = false
  const over = call.then(() => {
    answered = true
  })
  for (let step = 0; step < 10; step++) await Promise.resolve()
  const soFar = answered
  await over
  return soFar
}

async function everythingOf(path: string, files: FileCalls): Promise<unknown> {
  const { size } = await files.stat(path)
  const file = await files.open(path)
  const buffer = Buffer.alloc(8)
  const read = [await files.read(file, buffer, 0), await files.read(file, buffer, 5)]
  await files.close(file)
  const after = await files.read(file, buffer, 0).catch((error) => error.code)
  return { size, read, text: buffer.toString('latin1'), after }
}

test.each<[string, () => FileCalls]>([
  ['in the background', () => inBackground],
  ['at once', () => answeredIn(0)],
  ['at once and then in the background', () => answeredIn(20)],
])('files are read %s', async (_, filesOf) => {
  const folder = await folderWith(await temporaryFolder(), { 'a.yaml': 'rules' })
  const files = filesOf()
  expect(await everythingOf(join(folder, 'a.yaml'), files)).toEqual({
    size: 5n,
    read: [5, 0],
    text: 'rules\0\0\0',
    after: 'EBADF',
  })
  const missing = join(folder, 'b.yaml')
  await expect(files.stat(missing)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'stat' })
  await expect(files.open(missing)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open' })
})

test('a file system is asked at once until it has shown that it is slow', async () => {
  const folder = await temporaryFolder()
  const quick = answeredIn(0.05)
  for (let call = 0; call < 1000; call++) expect(await isAtOnce(quick.stat(folder))).toBe(true)
  const slow = answeredIn(20)
  const answers = []
  for (let call = 0; call < 5; call++) answers.push(await isAtOnce(slow.stat(folder)))
  expect(answers).toEqual([true, true, true, false, false])
})
