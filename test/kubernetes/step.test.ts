import { expect, test } from 'vitest'
import { createSteps, NotTested, require } from './step.ts'

function stepsInto(lines: string[]) {
  return createSteps((line) => lines.push(line.replace(/ +\d+\.\d s/, ' … s')))
}

test('each step prints what it saw, and the last line counts the steps', async () => {
  const lines: string[] = []
  const steps = stepsInto(lines)
  expect(await steps.step('one', async () => 'a pod')).toBe(true)
  const fails = async (): Promise<string> => {
    require(false, 'no pod')
    return ''
  }
  expect(await steps.step('two', fails)).toBe(false)
  const cannot = async (): Promise<string> => {
    throw new NotTested('there is no helm')
  }
  expect(await steps.step('three', cannot)).toBe(false)
  steps.figure('rollouts', '2')
  expect(steps.close()).toBe('failed')
  expect(lines).toEqual([
    'passed … s  one: a pod',
    'FAILED … s  two: no pod',
    'NOT TESTED: three: there is no helm',
    expect.stringMatching(/^rollouts +2$/),
    '1 passed, 1 failed, 1 skipped',
  ])
})

test('a run that could test nothing fails', async () => {
  const lines: string[] = []
  const steps = stepsInto(lines)
  await steps.step('all', async () => {
    throw new NotTested('no cluster')
  })
  expect(steps.close()).toBe('not tested')
  expect(lines.at(-1)).toBe('0 passed, 0 failed, 1 skipped')
})
