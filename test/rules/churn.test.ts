import { expect, test } from 'vitest'
import { reportChurn } from '../../src/rules/churn.ts'

test('a file that never stops changing is reported once, and again after it was adopted', () => {
  let time = 0
  const warned: string[] = []
  const reloaded = reportChurn(
    (message) => warned.push(message),
    () => time,
  )
  for (; time <= 20_000; time += 500) reloaded({ pending: ['hot.yaml', ...(time === 500 ? ['b.yaml'] : [])] })
  expect(warned).toEqual([expect.stringMatching(/^hot\.yaml keeps changing and is not loaded/)])
  reloaded({ pending: [] })
  for (; time <= 24_000; time += 500) reloaded({ pending: ['hot.yaml'] })
  expect(warned).toHaveLength(1)
  for (; time <= 40_000; time += 500) reloaded({ pending: ['hot.yaml'] })
  expect(warned).toHaveLength(2)
})
