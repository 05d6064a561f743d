/** Forks a worker whose channel fails, as when Node cannot write to it, and prints when the worker counts as ended. */

import cluster from 'node:cluster'
import { forkWorker } from '../../src/workers/fork.ts'

const worker = forkWorker((stream) => stream.resume())
let hasEnded = false
void worker.ended.then(() => {
  hasEnded = true
})
const [forked] = Object.values(cluster.workers ?? {})
forked?.process.emit('error', new Error('write EPIPE'))
await new Promise((resolve) => setImmediate(resolve))
const before = hasEnded
worker.kill()
process.stdout.write(JSON.stringify({ before, end: await worker.ended }))
