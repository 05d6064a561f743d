import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { removeFile, replaceFile } from '../../src/rules/write.ts'

vi.mock('node:fs/promises', async (importOriginal) => {
  const actual = await importOriginal<typeof import('node:fs/promises')>()
  return {
    ...actual,
    async open(...given: Parameters<typeof actual.open>) {
      const handle = await actual.open(...given)
      // Only directories are opened to read.
      if (given[1] === 'r')
        handle.sync = () =>
          Promise.reject(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' }))
      return handle
    },
  }
})

test('a change whose directory cannot be flushed is made, and says that it is not durable', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rules-write-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  expect(await replaceFile(folder, 'a.yaml', 'rules: []\n')).toEqual({ kind: 'unflushed', code: 'EIO' })
  expect(await readFile(join(folder, 'a.yaml'), 'utf8')).toBe('rules: []\n')
  expect(await removeFile(folder, 'a.yaml')).toEqual({ kind: 'unflushed', code: 'EIO' })
  expect(await readdir(folder)).toEqual([])
})
