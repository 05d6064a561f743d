import { join } from 'node:path'
import { atMost } from '../budgets.ts'
import { wholeRequests } from '../dear-requests.ts'
import { dearestRequest } from '../dearest-request.ts'
import type { DecisionOrder, DecisionTimes } from '../decision-times.ts'
import { microseconds, ratio } from '../figures.ts'
import { fullFile, originsPerFullRule, rulesFile, writeRules } from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import { medianOf, ratiosOf, spreadOf } from '../stats.ts'
import { runToEnd } from '../testbed.ts'

/** The decision alone, by number of buckets, and the most expensive preflights. */
export async function decisions(bench: Bench): Promise<SectionResult> {
  const times = await timeDecisions(bench)
  const [normal] = times.cases
  const [one, ...sets] = times.sets
  if (normal === undefined || one === undefined) throw new Error('nothing was timed')
  const growth = sets.map(({ name, p99 }) => ({ name, ratios: ratiosOf(p99, one.p99) }))
  const many = growth.filter(({ name }) => name.startsWith('10,000'))
  if (many.length !== 2) throw new Error('10,000 buckets were not timed')
  const whole = await wholeRequests(bench)
  const dearest = await dearestRequest(bench)
  bench.progress('')
  return {
    title: 'Decisions',
    notes: [
      'The decision alone (`plan`), without sockets, in a process of its own. Asked in any order, the rules of many buckets are rarely in the caches of the processor; single decisions are timed, which adds about 0.1 µs to each. 100 rules of 100 origins do not fit into the 64 KB of a rule file, so that they are among the cases below, as they would be in memory.',
      'The dearest preflights: the decision beside a normal one, and the whole request (parsing, decision, answer, log line, metrics) as CPU of the sidecar beside a normal one. The budget is for the preflight, which is the whole request: what it costs is what can be made to be paid. A normal decision alone takes 2 µs, and hardly anything that reads 16 KB can take less than five times that.',
      'The dearest request of any kind: a search over methods, targets and header lines, 60 shapes at random and 90 changes of the dearest, each beside the shapes that reviews found. Every run searches again; the six dearest are measured again in turn with a normal GET of 1 KB.',
    ],
    tables: [
      {
        columns: ['rules', 'p50', 'p99', 'p99 / 1 bucket'],
        rows: times.sets.map(({ name, p50, p99 }) => [
          name,
          microseconds(medianOf(p50)),
          microseconds(medianOf(p99)),
          ratio(spreadOf(ratiosOf(p99, one.p99))),
        ]),
      },
      {
        columns: ['preflight of up to 16 KB', 'decision', 'decision / normal'],
        rows: times.cases.map(({ name, rounds }) => [
          name,
          microseconds(medianOf(rounds)),
          ratio(spreadOf(ratiosOf(rounds, normal.rounds))),
        ]),
      },
      {
        columns: ['whole request', 'CPU / normal'],
        rows: whole.map(({ name, ratios }) => [name, ratio(spreadOf(ratios))]),
      },
      {
        columns: ['dearest request of 16 KB that a search found', 'CPU / a normal GET'],
        rows: [[dearest.name, ratio(spreadOf(dearest.ratios))]],
      },
    ],
    budgets: [
      ...many.map(({ name, ratios }) =>
        atMost(`decision p99: ${name} / 1 bucket`, ratios, name.endsWith(randomOrder) ? 2 : 1.1, {
          remedy:
            'the look-up does not grow, but a bucket that was not asked lately comes from main memory: its name, policy, map of origins and rule in one piece would save some of that',
        }),
      ),
      ...whole.map(({ name, ratios }) =>
        atMost(`16 KB preflight / a normal one: ${name}`, ratios, 5, { remedy: dearRemedy }),
      ),
      atMost('dearest request of 16 KB that a search found / a normal GET', dearest.ratios, 5, {
        remedy: dearRemedy,
      }),
    ],
    ratios: ratiosIn(times),
    summary: {
      stops: [
        `The dearest request of 16 KB that a search found costs ${medianOf(dearest.ratios).toFixed(1)} times the CPU of a normal GET: a core that is full of such requests answers that many times fewer.`,
      ],
    },
  }
}

const dearRemedy = 'cheaper parsing of what makes it dear, or a refusal before it is read'

/** The ratios of decisions alone, for a quick run. */
export const decisionRatios = async (bench: Bench): Promise<SectionResult['ratios']> =>
  ratiosIn(await timeDecisions(bench))

/**
 * From the minimum of all rounds, because every other round includes noise. Leaves out random bucket order, which
 * depends on the processor caches and so on other processes.
 */
function ratiosIn({ cases, sets }: DecisionTimes): SectionResult['ratios'] {
  const [normal, ...others] = cases.map(({ rounds }) => Math.min(...rounds))
  const [one, ...more] = sets
  if (normal === undefined || one === undefined) throw new Error('nothing was timed')
  const flat = more.filter(({ name }) => !name.endsWith(randomOrder))
  return {
    'decision: worst 16 KB preflight / normal': Math.max(...others) / normal,
    ...Object.fromEntries(
      flat.map(({ name, p50 }) => [
        `decision p50: ${name} / ${one.name}`,
        Math.min(...p50) / Math.min(...one.p50),
      ]),
    ),
  }
}

/** Suffix of sets whose buckets are requested in random order. */
const randomOrder = 'in any order'

async function timeDecisions({ testbed, progress }: Bench): Promise<DecisionTimes> {
  progress('decisions')
  const tenRules = (index: number): string => rulesFile(10, index)
  const sets = [
    ['1 bucket of 10 rules', 1, tenRules],
    [`100 buckets of 10 rules, ${randomOrder}`, 100, tenRules],
    [`10,000 buckets of 10 rules, ${randomOrder}`, 10_000, tenRules],
    [`1 bucket of 100 rules of ${originsPerFullRule} origins`, 1, () => fullFile()],
  ] as const
  const folders: (readonly [string, string, number])[] = []
  for (const [name, count, text] of sets)
    folders.push([name, await writeRules(testbed.path('rules'), count, text), count])
  const [, many] = folders.find(([, , count]) => count === 10_000) ?? []
  if (many !== undefined) folders.push(['10,000 buckets of 10 rules, one of them asked', many, 1])
  const order: DecisionOrder = { folders }
  const file = join(import.meta.dirname, '..', 'decision-times.ts')
  return JSON.parse(await runToEnd(testbed, process.execPath, [file, JSON.stringify(order)]))
}
