/** Opens files until the system refuses, then forks a worker and prints the outcome. */

import { openSync } from 'node:fs'
import { forkWorker } from '../../src/workers/fork.ts'

try {
  for (;;) openSync('/dev/null', 'r')
} catch {
  const outputs: unknown[] = []
  const worker = forkWorker((stream) => outputs.push(stream))
  worker.listen(() => {})
  worker.send({ kind: 'drain', timeout: 0 })
  worker.kill()
  const end = await worker.ended
  process.stdout.write(JSON.stringify({ pid: worker.pid ?? null, outputs: outputs.length, end }))
}
