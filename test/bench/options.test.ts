import { expect, test } from 'vitest'
import { help, readOptions, sectionNames } from './options.ts'

const optionsOf = (...argv: string[]) => {
  const read = readOptions(argv)
  if (read.kind !== 'options') throw new Error(JSON.stringify(read))
  return read.options
}

test('without arguments everything is measured and nothing written', () => {
  expect(optionsOf()).toEqual({
    quick: false,
    noise: undefined,
    full: false,
    write: false,
    only: sectionNames,
    peers: undefined,
    rounds: 5,
    seconds: 2,
    program: undefined,
  })
})

test('parts are measured in the order of a whole run', () => {
  expect(optionsOf('--only', 'get, preflight', '--peers', 'none', '--rounds', '2')).toMatchObject({
    only: ['preflight', 'get'],
    peers: [],
    rounds: 2,
  })
})

test('a quick run is shorter by default', () => {
  expect(optionsOf('--quick')).toMatchObject({ quick: true, rounds: 3, seconds: 2 })
  expect(optionsOf('--quick', '--rounds', '7')).toMatchObject({ rounds: 7, seconds: 2 })
})

test.each([
  ['a part that is not there', ['--only', 'preflight,gets'], 'there is no gets'],
  ['a peer that is not there', ['--peers', 'nginx,apache'], 'there is no apache'],
  ['no number of rounds', ['--rounds', '0'], '--rounds'],
  ['half a second', ['--seconds', '0.5'], '--seconds'],
  ['an unknown flag', ['--fast'], '--fast'],
  ['recording a part of a run', ['--write', '--only', 'get'], 'whole run'],
  ['recording other code', ['--write', '--program', 'main.js'], 'whole run'],
  [
    'other code for what is measured of this checkout',
    ['--program', 'main.js', '--only', 'memory'],
    'memory',
  ],
  ['recording a quick run', ['--quick', '--write'], '--quick'],
  [
    'recording the noise of other code',
    ['--quick', '--noise', '10', '--write', '--program', 'x.js'],
    'whole run',
  ],
  ['the noise of a long run', ['--noise', '10'], '--noise'],
  ['no run to count', ['--quick', '--noise', '0'], '--noise'],
])('it is a usage error to give %s', (_name, argv, message) => {
  const read = readOptions(argv)
  expect(read).toMatchObject({ kind: 'issue', issue: expect.stringContaining(message) })
})

test('another program takes part in what measures programs, and in nothing else', () => {
  const { only } = optionsOf('--program', 'main.js')
  expect(only).toEqual(sectionNames.filter((name) => name !== 'decisions' && name !== 'memory'))
})

test('a quick run is repeated on the same code to know its noise, which can be recorded', () => {
  expect(optionsOf('--quick', '--noise', '10', '--write')).toMatchObject({
    quick: true,
    noise: 10,
    write: true,
  })
})

test('help names every part and every flag', () => {
  expect(readOptions(['--help'])).toEqual({ kind: 'help' })
  for (const name of sectionNames) expect(help).toContain(name)
  for (const flag of ['quick', 'noise', 'full', 'only', 'peers', 'rounds', 'seconds', 'program', 'write'])
    expect(help).toContain(`  --${flag} `)
})
