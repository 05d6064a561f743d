import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** The steps of the Dockerfile, without an engine: `npm run test:image`. Not part of `npm test`: they install twice. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    include: ['test/deploy/image/**/*.spec.ts'],
    testTimeout: 60_000,
    hookTimeout: 600_000,
    reporters: ['verbose'],
  },
})
