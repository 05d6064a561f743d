import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isNotUtf8, systemRefusal, whySystemRefused } from '../../src/text/system-error.ts'

const caught = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    return error
  }
}

test.each([
  ['nowhere', 'it does not exist'],
  ['.', 'it is a directory'],
  ['package.json/x', 'it is not a directory'],
])('the error of reading %j is explained in plain words', (path, words) => {
  expect(whySystemRefused(caught(() => readFileSync(path)))).toBe(words)
})

test('an error code without an explanation is shown as it is', () => {
  expect(systemRefusal(Object.assign(new Error('x'), { code: 'EIO', syscall: 'read' }))).toBe(
    'system error EIO',
  )
})

test('an error that is not from the system is a bug, and is thrown', () => {
  const bug = new TypeError('x is undefined')
  expect(whySystemRefused(bug)).toBeUndefined()
  expect(() => systemRefusal(bug)).toThrow(bug)
})

test('a text that is not UTF-8 has an error of its own', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  expect(isNotUtf8(caught(() => decoder.decode(Uint8Array.of(0xff))))).toBe(true)
  expect(isNotUtf8(new Error('x'))).toBe(false)
})
