import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** What takes long by its nature, such as restarts under load, every call of an SDK, a thousand files: `npm run test:long`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('..', import.meta.url)),
    include: ['test/{browser,bucket-cors,deploy,reliability,rules,serve,transparency}/*.spec.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each of them needs the machine for itself.
    maxWorkers: 1,
  },
})
