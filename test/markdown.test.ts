import { expect, test } from 'vitest'
import { replaceMarked, table } from './markdown.ts'

test('a cell ends neither its row nor its table', () => {
  expect(table(['a', 'b'], [['x | y', 'one\n  two']])).toBe('| a | b |\n|---|---|\n| x \\| y | one two |')
})

const marks = { begin: '<!-- from here -->', end: '<!-- to here -->' }
const { begin, end } = marks

test('a new run takes the place of the old one, and of nothing else', () => {
  const document = `# Results\nMine $& $1.\n${begin}\nold\n${end}\nMine too.\n`
  const once = `# Results\nMine $& $1.\n${begin}\n\nnew $& $1\n\n${end}\nMine too.\n`
  expect(replaceMarked(document, marks, 'new $& $1')).toBe(once)
  expect(replaceMarked(once, marks, 'new $& $1')).toBe(once)
})

test.each([
  ['no marks', 'text'],
  ['no end', `${begin}\ntext`],
  ['no beginning', `text\n${end}`],
  ['two beginnings', `${begin}\n${begin}\n${end}`],
  ['two ends', `${begin}\n${end}\n${end}`],
  ['the wrong order', `${end}\n${begin}`],
])('a document with %s is not touched', (_name, document) => {
  expect(() => replaceMarked(document, marks, 'new')).toThrow('once each')
})
