import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { referencePages } from './pages.ts'

const project = join(import.meta.dirname, '..', '..')
const pages = await referencePages()

describe('the reference', () => {
  test.each([...pages])('%s is what npm run reference writes', (file, text) => {
    expect(existsSync(join(project, file)), 'run npm run reference').toBe(true)
    expect(readFileSync(join(project, file), 'utf8'), 'run npm run reference').toBe(text)
  })
})
