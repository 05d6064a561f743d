import { expect, test } from 'vitest'
import { differencesOf, tally } from './compare.ts'

const direct = new Map([
  ['same', 'ok'],
  ['worse', 'ok'],
  ['other words', 'FAIL 403 AccessDenied: No'],
  ['gone', 'ok'],
])
const through = new Map([
  ['same', 'ok'],
  ['worse', 'FAIL 502 BadGateway'],
  ['other words', 'FAIL 403 AccessDenied: Never'],
  ['added', 'ok'],
])
const reasons = [
  { suite: /^one/, test: /^worse$/, why: 'by design' },
  { suite: /^two/, test: /^gone$/, why: 'of another suite' },
]

test('a test differs if its outcome or message differs, or if one side did not run it', () => {
  expect(differencesOf('one', { direct, through }, reasons)).toEqual([
    { test: 'added', direct: '(not run)', through: 'ok', why: undefined },
    { test: 'gone', direct: 'ok', through: '(not run)', why: undefined },
    {
      test: 'other words',
      direct: 'FAIL 403 AccessDenied: No',
      through: 'FAIL 403 AccessDenied: Never',
      why: undefined,
    },
    { test: 'worse', direct: 'ok', through: 'FAIL 502 BadGateway', why: 'by design' },
  ])
})

test('a reason for one outcome does not apply to another', () => {
  const held = [{ suite: /one/, test: /^worse$/, through: /^ok$/, why: 'answered here' }]
  const differing = { direct: new Map([['worse', 'NA']]), through: new Map([['worse', 'FAIL']]) }
  expect(differencesOf('one', differing, held).map(({ why }) => why)).toEqual([undefined])
})

test('equal outcomes do not differ, even if both are failures', () => {
  const failing = new Map([['a', 'FAIL why']])
  expect(differencesOf('one', { direct: failing, through: new Map(failing) }, [])).toEqual([])
})

test('outcomes are counted', () => {
  expect(tally(direct)).toBe('3 ok, 1 other')
  expect(tally(new Map([['a', 'ok 12 files']]))).toBe('1 ok')
})
