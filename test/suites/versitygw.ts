import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { runBoth } from './both.ts'
import { pathOf, runCommand } from './command.ts'
import { accessKeyId, secretAccessKey, versitygw } from './stores.ts'
import type { Compared, Outcomes, Suite } from './suite.ts'

/** versitygw's own tests over HTTP: `versitygw test full-flow`. */
export const versitygwSuite: Suite = {
  name: 'versitygw test full-flow',
  least: 500,
  versions: async () => versitygw.version(),
  run: () => runTests([['full-flow', '--parallel']]),
  again: (tests) => runTests(tests.map((test) => [test])),
}

function runTests(commands: readonly (readonly string[])[]): Promise<Compared> {
  const inFront = { flags: ['--dialect', 's3', '--bucket-cors-api', 'write'], buckets: [] }
  return runBoth(versitygw, inFront, async (endpoint, folder) => {
    // Some of its tests create users with ./versitygw.
    await symlink(pathOf(process.env.VERSITYGW_PATH || 'versitygw'), join(folder, 'versitygw'))
    const keys = ['--access', accessKeyId, '--secret', secretAccessKey]
    let said = ''
    for (const command of commands) {
      const args = ['test', ...keys, '--endpoint', endpoint, ...command]
      const { out } = await runCommand('./versitygw', args, { cwd: folder, seconds: 900 })
      said += `${out}\n`
    }
    return readOutcomes(said)
  })
}

/** Lines such as `PASS name` and `FAIL name: why`, in colour. */
export function readOutcomes(text: string): Outcomes {
  const plain = text.replaceAll(/\x1b\[[0-9;]*m/g, '')
  const found = plain.matchAll(/^(PASS|FAIL|SKIP) +([A-Za-z0-9_]+)(?:: (.*))?$/gm)
  return new Map(
    [...found].map(([, verdict = '', test = '', why = '']) => [
      test,
      verdict === 'PASS' ? 'ok' : `${verdict} ${withoutChance(why)}`.trim(),
    ]),
  )
}

/** Removes numbers of buckets and users, ports, ids and times. */
const withoutChance = (text: string): string =>
  text
    .replaceAll(/127\.0\.0\.1:\d+/g, 'STORE')
    .replaceAll(/\b(test-bucket|testuser|grt|user)-?\d+/g, '$1-N')
    .replaceAll(/RequestID: [^,]*/g, 'RequestID: …')
    .replaceAll(/HostID: [^,]*/g, 'HostID: …')
    .replaceAll(/\d{4}-\d\d-\d\d[T ][0-9:.]+(?: ?[+-]\d{4} UTC|Z)?/g, 'TIME')
