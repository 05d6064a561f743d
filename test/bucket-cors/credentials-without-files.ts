/** Asks for the keys of the file in its argument while the process can open no file, and when it can again. */

import { closeSync, openSync } from 'node:fs'
import { followCredentials } from '../../src/bucket-cors/credentials-file.ts'

// The file counts as old enough that its times tell every change of it.
const now = Date.now
Date.now = () => now() + 60_000

const problems: string[] = []
const keys = followCredentials(process.argv[2] ?? '', (lines) => problems.push(...lines))
const opened: number[] = []
try {
  for (;;) opened.push(openSync('/dev/null', 'r'))
} catch {
  // So it is until some are closed.
}
const before = await keys()
for (const file of opened) closeSync(file)
const after = await keys()
process.stdout.write(
  JSON.stringify({
    before: before === undefined ? null : [...before.keys()],
    after: [...(after?.keys() ?? [])],
  }),
)
process.stdout.write(`\n${problems.join('\n')}`)
