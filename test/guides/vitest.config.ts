import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/**
 * The guides, followed word by word: `npm run test:guides`. Needs `minio`, `mc` and `aws` on the PATH, and a
 * browser.
 */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/guides/**/*.spec.ts'],
    testTimeout: 480_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
    reporters: ['verbose'],
  },
})
