import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'

const usualPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** `CHROMIUM_PATH`, or Chromium or Chrome in their usual places. */
export const chromiumPath: string | undefined =
  process.env.CHROMIUM_PATH || usualPaths.find((path) => existsSync(path))

/** A running browser with a fresh profile and an empty cache. */
export interface Chromium {
  readonly context: BrowserContext
  close(): Promise<void>
}

/** Starts the browser headless. It can reach this machine only. */
export async function launchChromium(): Promise<Chromium> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-profile-'))
  const context = await chromium.launchPersistentContext(profile, {
    headless: true,
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
    ],
  })
  return {
    context,
    async close() {
      await context.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

/** The accessibility rules that the page breaks now, each with the elements. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  return page.evaluate(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' | ')))`,
  )
}

/** A suite that needs a browser. Skipped without one, unless `CI_REQUIRE_BROWSER=1` makes that a failure. */
export function describeInBrowser(name: string, suite: () => void): void {
  if (chromiumPath !== undefined) describe(name, suite)
  else if (process.env.CI_REQUIRE_BROWSER === '1')
    test(`${name}: a browser is required`, () => expect.fail('No Chromium: set CHROMIUM_PATH.'))
  else test.skip(`${name} (skipped: no Chromium found, CHROMIUM_PATH is not set)`)
}
