/** Reads the keys from the file that its argument names, while the process cannot open files and once it can again. */

import { closeSync, openSync } from 'node:fs'
import { followCredentials } from '../../src/bucket-cors/credentials-file.ts'

// Makes the file old enough for its times to be trusted.
const now = Date.now
Date.now = () => now() + 60_000

const problems: string[] = []
const keys = followCredentials(process.argv[2] ?? '', (lines) => problems.push(...lines))
const opened: number[] = []
try {
  for (;;) opened.push(openSync('/dev/null', 'r'))
} catch {
  // EMFILE: from here on no file can be opened.
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
