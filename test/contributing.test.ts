import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const project = join(import.meta.dirname, '..')
const guide = readFileSync(join(project, 'CONTRIBUTING.md'), 'utf8')

/** A file as the guide names it: from the top of the project, or from `src/`. */
const placeOf = (file: string): string | undefined =>
  ['', 'src'].map((folder) => join(project, folder, file)).find((place) => existsSync(place))

/** `path/file.ts`, and the name in it that may follow. */
const named = [...guide.matchAll(/`([a-z0-9-]+(?:\/[a-z0-9.-]+)*\.ts)`(?: `([A-Za-z]+)`)?/g)].map(
  ([, file = '', name]) => ({ file, name }),
)

test('every file that CONTRIBUTING.md names exists', () => {
  expect(named.length).toBeGreaterThan(50)
  expect(named.map(({ file }) => file).filter((file) => placeOf(file) === undefined)).toEqual([])
})

test('every name that CONTRIBUTING.md gives beside a file is in that file', () => {
  const missing = named.filter(({ file, name }) => {
    const place = placeOf(file)
    return name !== undefined && place !== undefined && !readFileSync(place, 'utf8').includes(name)
  })
  expect(missing).toEqual([])
})

test.each([
  ['how does a rule file become live rules', 15],
  ['why was this preflight refused', 6],
])('%s: at most %i files to open', (question, most) => {
  const [, row = ''] = new RegExp(`^\\| ${question} \\| (.*) \\|$`, 'm').exec(guide) ?? []
  const steps = row.split(' · ')
  expect(steps.length).toBeGreaterThan(1)
  expect(steps.length).toBeLessThanOrEqual(most)
})
