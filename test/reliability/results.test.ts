import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Figure } from './figure.ts'
import { type Outcome, outcomeLine, renderRun, replaceMeasured } from './results.ts'

const figure: Figure = {
  name: '9',
  promise: 'an end | within 1 s',
  when: 'beside',
  measure: async () => ({ measured: '', held: true }),
}
const outcome: Outcome = { figure, measured: '3 of 4\nseen', verdict: 'MISSED', seconds: 1.4 }

test('a figure is one row, for any measurement', () => {
  const text = renderRun({
    argv: ['--nightly', '--minutes', '60'],
    minutes: 60,
    numbered: [outcome],
    besides: [],
  })
  expect(text).toContain(`| 9 | an end \\| within 1 s | 3 of 4 seen | MISSED | 1 |`)
  expect(text).toContain('60 minutes of `npm run test:reliability -- --nightly --minutes 60`')
  expect(text).not.toContain('Besides')
  expect(text).toContain('0 of 1 promises were held; not: 9.')
  expect(outcomeLine(outcome)).toContain('MISSED')
})

test('a run whose promises are all held says so first, and its command can be copied', () => {
  const held: Outcome = { ...outcome, verdict: 'held' }
  const text = renderRun({ argv: ['--only', 'a, b'], minutes: 1, numbered: [held], besides: [] })
  expect(text.split('\n')[0]).toBe('All 1 promises were held.')
  expect(text).toContain("`npm run test:reliability -- --only 'a, b'`")
})

const marks = (inside: string): string =>
  `before\n<!-- measured by npm run test:reliability: from here -->${inside}<!-- measured by npm run test:reliability: to here -->\nafter\n`

test('a new run replaces only the previous run in the document', () => {
  const once = replaceMeasured(marks('\nold\n'), 'new')
  expect(once).toBe(marks('\n\nnew\n\n'))
  expect(replaceMeasured(once, 'newer')).toBe(marks('\n\nnewer\n\n'))
})

test.each([
  'no marks',
  marks('') + marks(''),
])('a document without both marks is not changed: %j', (document) => {
  expect(() => replaceMeasured(document, 'new')).toThrow('once each')
})

test('every test that a figure runs exists', async () => {
  const source = await readFile(join(import.meta.dirname, 'figures.ts'), 'utf8')
  const files = [...source.matchAll(/'(test\/[^']+\.ts)'/g)].map(([, file = '']) => file)
  expect(files.length).toBeGreaterThan(8)
  const root = join(import.meta.dirname, '../..')
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  const selected = [...source.matchAll(/runTests\(\s*\[([^\]]+)\],\s*\{[^}]*\},\s*'([^']+)'/g)]
  expect(selected.length).toBeGreaterThan(3)
  for (const [, list = '', title = ''] of selected) {
    const file = /'(test\/[^']+)'/.exec(list)?.[1] ?? /const file = '(test\/[^']+)'/.exec(source)?.[1] ?? ''
    expect(await readFile(join(root, file), 'utf8'), `${file}: ${title}`).toContain(title)
  }
})
