import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { expectLines } from './access-log.ts'

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'access-log-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'log')
  await writeFile(file, text)
  return file
}

test('a complete log is accepted at once, and a missing line is waited for', async () => {
  const file = await fileWith('{}\n{}\n')
  await expectLines(file, 2)
  const expected = expectLines(file, 3)
  await appendFile(file, '{}\n')
  await expected
})

test('missing lines are counted, and an incomplete last line counts as missing', async () => {
  await expect(expectLines(await fileWith('{}\n{}'), 4, 1)).rejects.toThrow('3 of 4 requests were not logged')
})
