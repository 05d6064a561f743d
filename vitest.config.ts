import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// The tests start the program hundreds of times; with its compiled code kept, a start costs a quarter.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real sockets and real child processes share two cores with the compiler on a small CI machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // More than two cores, since most tests wait for sockets and processes.
    maxWorkers: 4,
  },
})
