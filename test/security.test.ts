import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { promises, statements } from './security-promises.ts'
import { statementsOf } from './security-units.ts'

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')

const said = statementsOf(read('SECURITY.md'))

test('every statement of SECURITY.md has a test, or is listed as one that promises nothing', () => {
  const known = [...Object.keys(promises), ...statements]
  expect(said.filter((statement) => !known.some((start) => statement.startsWith(start)))).toEqual([])
})

test('every entry belongs to one statement of SECURITY.md', () => {
  for (const start of [...Object.keys(promises), ...statements])
    expect(
      said.filter((statement) => statement.startsWith(start)),
      start,
    ).toHaveLength(1)
})

test.each(Object.entries(promises))('the tests exist of: %s', (_start, tests) => {
  expect(tests.length).toBeGreaterThan(0)
  for (const [file, name] of tests) {
    expect(existsSync(new URL(`../${file}`, import.meta.url)), file).toBe(true)
    const text = read(file)
    // The last form is a title that continues with a value.
    const quoted = [`'${name}'`, `"${name}"`, `\`${name}\``, `\`${name}\${`]
    expect(
      quoted.some((title) => text.includes(title)),
      `${file}: ${name}`,
    ).toBe(true)
  }
})

interface Locked {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly integrity?: string
        readonly link?: boolean
        readonly dev?: boolean
        readonly hasInstallScript?: boolean
      }
    >
  >
}

const locked = (JSON.parse(read('package-lock.json')) as Locked).packages

test('the lock file has a hash for every package', () => {
  const packages = Object.entries(locked).filter(([path, { link }]) => path !== '' && link !== true)
  expect(packages.length).toBeGreaterThan(100)
  expect(packages.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true)).toEqual([])
})

test('no package needed at run time has an install script, and npm runs only that of the package node', () => {
  const withScript = Object.values(locked).filter(({ hasInstallScript }) => hasInstallScript === true)
  expect(withScript.length).toBeGreaterThan(0)
  expect(withScript.filter(({ dev }) => dev !== true)).toEqual([])
  expect(JSON.parse(read('package.json'))).toMatchObject({ allowScripts: { node: true } })
  expect(Object.keys(JSON.parse(read('package.json')).allowScripts)).toEqual(['node'])
})
