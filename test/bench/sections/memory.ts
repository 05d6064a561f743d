import { measureFlatMemory } from '../../reliability/flat-memory.ts'
import type { Bench, SectionResult } from '../section.ts'

/** Memory while gigabytes stream both ways, slow readers included: figure 8 of `npm run test:reliability`. */
export async function memory({ options, progress }: Bench): Promise<SectionResult> {
  const gigabytes = options.full ? 10 : 1
  progress(`memory: ${gigabytes} GB each way`)
  const { measured, held } = await measureFlatMemory(gigabytes)
  return {
    title: 'Memory while streaming',
    notes: [`Figure 8 of \`npm run test:reliability\`: ${measured}.`],
    tables: [],
    budgets: [
      {
        what: `RSS growth while ${gigabytes} GB stream each way, slow readers included`,
        measured: /growth at most ([0-9.]+ MB)/.exec(measured)?.[1] ?? measured,
        budget: '≤ 64 MB',
        held,
      },
    ],
    ratios: {},
  }
}
