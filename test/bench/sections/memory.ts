import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Bench, SectionResult } from '../section.ts'

const program = join(import.meta.dirname, '../../reliability/flat-memory.ts')

/** Memory while gigabytes stream both ways, slow readers included: the reliability test's own figures. */
export async function memory({ testbed, options, progress }: Bench): Promise<SectionResult> {
  const gigabytes = options.full ? 10 : 1
  progress(`memory: ${gigabytes} GB each way`)
  const { child, exited } = testbed.start(process.execPath, [program, '--gigabytes', String(gigabytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.stdout === null) throw new Error('stdout is not a pipe')
  const [code, out] = await Promise.all([exited, text(child.stdout)])
  progress('')
  const growth = /^growth: ([0-9.]+) MB/m.exec(out)?.[1]
  const peak = /its peak: ([0-9.]+) MB/.exec(out)?.[1]
  if (growth === undefined || peak === undefined || out.includes('DIFFERENT'))
    throw new Error(`flat-memory.ts ended with ${code}:\n${out}`)
  return {
    title: 'Memory while streaming',
    notes: [
      `\`node test/reliability/flat-memory.ts --gigabytes ${gigabytes}\`: half of each way to a peer that keeps up, half to one that stops, reads slowly and goes on; all bodies arrived whole (SHA-256).`,
    ],
    tables: [
      {
        columns: ['streamed', 'growth of RSS', 'peak RSS'],
        rows: [[`${gigabytes} GB each way`, `${growth} MB`, `${peak} MB`]],
      },
    ],
    budgets: [
      {
        what: `RSS growth while ${gigabytes} GB stream each way, slow readers included`,
        measured: `${growth} MB`,
        budget: '≤ 64 MB',
        held: Number(growth) <= 64 && code === 0,
      },
    ],
    ratios: {},
  }
}
