import { expect, test } from 'vitest'
import { begin, end, type Run, renderRun, replaceMeasured } from './results.ts'

const run: Run = {
  machine: { text: '2 cores', versions: { Node: '26.10.0', nginx: '1.22.1' }, missing: ['Caddy'] },
  argv: ['--full'],
  date: '2026-11-21',
  minutes: 11.6,
  sections: [
    {
      title: 'Preflight',
      notes: ['How it was measured.'],
      tables: [{ columns: ['server', 'CPU'], rows: [['nginx', '1 µs']] }],
      budgets: [
        { what: 'one', measured: '1.20', budget: '≤ 1.25', held: true },
        { what: 'other', measured: '2.00', budget: '≤ 1.25', held: false },
      ],
      ratios: {},
      plots: { 'scale.svg': '<svg/>' },
    },
  ],
}

test('a run reports machine, versions, omissions, every budget, methods and measurements', () => {
  const lines = renderRun(run).split('\n')
  expect(lines[0]).toBe('2026-11-21, 2 cores; 12 minutes of `npm run bench -- --full`.')
  expect(lines).toContain('Node 26.10.0, nginx 1.22.1.')
  expect(lines).toContain('Not installed, left out: Caddy.')
  expect(lines).toContain('| one    |     1.20 |   ≤ 1.25 |       held |')
  expect(lines).toContain('| other  |     2.00 |   ≤ 1.25 | **missed** |')
  expect(lines).toContain('How it was measured.')
  expect(lines).toContain('| nginx  | 1 µs |')
  expect(lines).toContain('![Preflight](scale.svg)')
})

test('what people wrote around the measured part stays', () => {
  const document = `# Results\nMine $& $1.\n${begin}\nold\n${end}\n## What did not help\nMine too.\n`
  expect(replaceMeasured(document, 'new $& $1')).toBe(
    `# Results\nMine $& $1.\n${begin}\nnew $& $1\n${end}\n## What did not help\nMine too.\n`,
  )
})

test.each([
  ['no marks', 'text'],
  ['no end', `${begin}\ntext`],
  ['no beginning', `text\n${end}`],
  ['two beginnings', `${begin}\n${begin}\n${end}`],
  ['two ends', `${begin}\n${end}\n${end}`],
  ['the wrong order', `${end}\n${begin}`],
])('a document with %s is not touched', (_name, document) => {
  expect(() => replaceMeasured(document, 'new')).toThrow('once each')
})
