import { expect, test } from 'vitest'
import { noiseMarks, type Run, renderRun, replaceMeasured, runMarks } from './results.ts'

const run: Run = {
  machine: {
    text: '2 cores',
    versions: { Node: '26.10.0', nginx: '1.22.1' },
    missing: ['Caddy'],
    programs: {},
  },
  argv: ['--full'],
  date: '2026-11-21',
  minutes: 11.6,
  sections: [
    {
      title: 'Preflight',
      notes: ['How it was measured.'],
      tables: [{ columns: ['server', 'CPU'], rows: [['nginx', '1 µs']] }],
      budgets: [
        {
          what: 'one',
          measured: '1.20',
          budget: '≤ 1.25',
          held: true,
          margin: 0.04,
          goal: { text: '≤ 1.2', reached: true },
        },
        { what: 'other', measured: '2.00', budget: '≤ 1.25', held: false, margin: -0.6, remedy: 'less work' },
      ],
      ratios: {},
      summary: { costs: ['A preflight takes 1 µs.'], stops: ['At 100 a second.'] },
      plots: { 'scale.svg': '<svg/>' },
    },
  ],
}

test('a run reports machine, versions, omissions, every budget, methods and measurements', () => {
  const lines = renderRun(run).split('\n')
  expect(lines[0]).toBe('2026-11-21, 2 cores; 12 minutes of `npm run bench -- --full`.')
  expect(lines).toContain('Node 26.10.0, nginx 1.22.1.')
  expect(lines).toContain('Not installed, left out: Caddy.')
  expect(lines).toContain('| one    |     1.20 |   ≤ 1.25 |       held |    4 % | ≤ 1.2: reached |')
  expect(lines).toContain('| other  |     2.00 |   ≤ 1.25 | **missed** |  -60 % |                |')
  expect(lines).toContain('1 of 2 are held. The margin is the part of the budget that is left.')
  expect(lines).toContain('- other: less work.')
  expect(lines).toContain('How it was measured.')
  expect(lines).toContain('| nginx  | 1 µs |')
  expect(lines).toContain('![Preflight](scale.svg)')
})

test('a run begins with sentences for people, and leaves out what no section says', () => {
  const text = renderRun(run)
  expect(text).toContain(
    '## What it costs\n\n- A preflight takes 1 µs.\n\n## Where it stops\n\n- At 100 a second.',
  )
  expect(text.indexOf('## What it costs')).toBeLessThan(text.indexOf('## Budgets'))
  expect(text).not.toContain('## What to expect')
})

test('a picture is described by its own title', () => {
  const [section] = run.sections
  if (section === undefined) throw new Error('there is no section')
  const plots = { 'a.svg': '<svg aria-label="Growth with buckets"/>' }
  expect(renderRun({ ...run, sections: [{ ...section, plots }] })).toContain('![Growth with buckets](a.svg)')
})

const { begin, end } = runMarks

test('what people wrote around the measured part stays', () => {
  const document = `# Results\nMine $& $1.\n${begin}\nold\n${end}\n## What did not help\nMine too.\n`
  expect(replaceMeasured(document, 'new $& $1', runMarks)).toBe(
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
  expect(() => replaceMeasured(document, 'new', runMarks)).toThrow('once each')
})

test('the noise of the guard has a place of its own', () => {
  const document = `${begin}\nrun\n${end}\n${noiseMarks.begin}\nold\n${noiseMarks.end}\n`
  expect(replaceMeasured(document, 'new', noiseMarks)).toBe(document.replace('old', 'new'))
  expect(replaceMeasured(document, 'newer', runMarks)).toBe(document.replace('run\n', 'newer\n'))
})
