import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/**
 * The steps of the Dockerfile without a container engine: `npm run test:image`. Not part of `npm test`, because it
 * runs two installations.
 */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    include: ['test/deploy/image/**/*.spec.ts'],
    testTimeout: 60_000,
    hookTimeout: 600_000,
    reporters: ['verbose'],
  },
})
