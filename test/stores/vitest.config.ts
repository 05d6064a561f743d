import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** In front of real stores: `npm run test:stores`. Not part of `npm test`, which needs no program but Node. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/stores/**/*.spec.ts'],
    testTimeout: 900_000,
    hookTimeout: 120_000,
    // One store and one sidecar at a time.
    maxWorkers: 1,
    fileParallelism: false,
    reporters: ['verbose'],
  },
})
