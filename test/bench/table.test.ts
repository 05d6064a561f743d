import { expect, test } from 'vitest'
import { renderTable } from './table.ts'

test('names stand to the left, figures to the right, and every line is as long as the others', () => {
  const text = renderTable({
    columns: ['server', 'CPU'],
    rows: [
      ['nginx', '5.9 µs'],
      ['a longer name', '131 µs'],
    ],
  })
  expect(text).toBe(`| server        |    CPU |
| ------------- | -----: |
| nginx         | 5.9 µs |
| a longer name | 131 µs |`)
})

test('a cell that is missing is empty, a narrow column wide enough for its rule', () => {
  expect(renderTable({ columns: ['a', 'b'], rows: [['x']] })).toBe(
    '| a   |   b |\n| --- | --: |\n| x   |     |',
  )
})
