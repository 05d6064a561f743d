import { measureFlatMemory } from '../../reliability/flat-memory.ts'
import { atMostBytes } from '../budgets.ts'
import type { Bench, SectionResult } from '../section.ts'

/** Memory while gigabytes stream both ways, slow readers included: figure 8 of `npm run test:reliability`. */
export async function memory({ options, progress }: Bench): Promise<SectionResult> {
  const gigabytes = options.full ? 10 : 1
  progress(`memory: ${gigabytes} GB each way`)
  const { measured, held } = await measureFlatMemory(gigabytes)
  const growth = /growth at most ([0-9.]+) MB/.exec(measured)?.[1]
  if (growth === undefined) throw new Error(`figure 8 says nothing of growth: ${measured}`)
  const budget = `RSS growth while ${gigabytes} GB stream each way, slow readers included`
  return {
    title: 'Memory while streaming',
    notes: [`Figure 8 of \`npm run test:reliability\`: ${measured}.`],
    tables: [],
    budgets: [
      // The figure also compares the bytes.
      { ...atMostBytes(budget, Number(growth) * 2 ** 20, 64 * 2 ** 20), held },
    ],
    ratios: {},
    summary: {
      expect: [
        `Objects of any size pass without being kept in memory: ${gigabytes} GB each way, slow readers included, took ${growth} MB more.`,
      ],
    },
  }
}
