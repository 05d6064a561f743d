import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const script = fileURLToPath(new URL('credentials-without-files.ts', import.meta.url))

test('after the process ran out of open files, the credentials file is read again as soon as possible', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'credentials-'))
  try {
    const file = join(folder, 'credentials.yaml')
    await writeFile(file, 'accessKeys: [{id: A, secret: s}]\n')
    // Sets both limits, because Node raises the soft limit to the hard one.
    const shell = 'ulimit -n 64; exec "$0" "$@"'
    const { stdout } = await run('/bin/sh', ['-c', shell, process.execPath, script, file])
    const [found = '', ...problems] = stdout.split('\n')
    expect(JSON.parse(found)).toEqual({ before: null, after: ['A'] })
    expect(problems).toEqual([
      `${file}: the access keys cannot be read: this process has too many files open`,
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
})
