import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** In front of a real MinIO: `npm run test:minio`. Not part of `npm test`, which needs no program but Node. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/minio/**/*.spec.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The tests build on each other, on one MinIO: buckets, uploads, a restart.
    maxWorkers: 1,
    reporters: ['verbose'],
  },
})
