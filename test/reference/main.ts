/** `npm run reference`: writes the reference pages from the code. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { referencePages } from './pages.ts'

const project = join(import.meta.dirname, '..', '..')

for (const [file, text] of await referencePages()) {
  mkdirSync(dirname(join(project, file)), { recursive: true })
  writeFileSync(join(project, file), text)
  console.log(file)
}
