#!/usr/bin/env node
// The command exists in a checkout that was never built, too: there it runs the sources, or says what to do.
import { existsSync } from 'node:fs'

const sources = new URL('../cmd/main.ts', import.meta.url)
const built = new URL('../dist/cmd/main.js', import.meta.url)
// Sources first: in a checkout a build may be older than they are. A package has no sources.
const runsSources = existsSync(sources) && process.features.typescript === 'strip'

if (!existsSync(new URL('../node_modules', import.meta.url)) && existsSync(sources))
  fail("the packages it needs are not installed: run 'npm ci' in the checkout")
else if (runsSources) await import(sources.href)
else if (existsSync(built)) await import(built.href)
else
  fail(
    `Node ${process.version} does not run TypeScript, and the program is not built: run 'npm ci && npm run build' in the checkout, or use Node 26`,
  )

/** @param {string} words */
function fail(words) {
  process.stderr.write(`error: cors-sidecar cannot start: ${words}\n`)
  process.exitCode = 2
}
