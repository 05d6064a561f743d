/** Serves the API in its own process for the rules directory in its argument, and prints its port. */

import { startSidecar } from './sidecar.ts'

const sidecar = await startSidecar({ dialect: 'oss', directory: process.argv[2] ?? '' })
process.stdout.write(`${sidecar.port}\n`)
