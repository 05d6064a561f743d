import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Chromium, launchChromium } from '../browser/chromium.ts'
import { blocksOf } from './blocks.ts'
import { startReader } from './follow.ts'
import { notFollowed } from './not-followed.ts'

const folder = join(import.meta.dirname, '..', '..', 'deploy', 'guides')
const guides = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .map((name) => {
    const listed = notFollowed[`deploy/guides/${name}`] ?? []
    const blocks = blocksOf(readFileSync(join(folder, name), 'utf8'))
    const followed = blocks.filter(
      ({ kind, text }) => kind !== 'in a cluster' && !listed.some(({ block }) => text.includes(block)),
    )
    return { name, blocks: followed }
  })
  .filter(({ blocks }) => blocks.length > 0)

/** External programs that a guide calls. */
const programs = ['minio', 'mc', 'aws'] as const

test.each(guides)('the steps of $name print what the page shows', async ({ blocks }) => {
  for (const program of programs)
    if (blocks.some(({ text }) => needs(text, program)))
      expect(spawnSync(program, ['--version']).status, `${program} is not on the PATH`).toBe(0)
  const reader = await startReader()
  onTestFinished(reader.close)
  const browser = openLazily()
  onTestFinished(browser.close)
  for (const block of blocks) await reader.follow(block, browser.pressUpload)
})

const needs = (commands: string, program: string): boolean =>
  new RegExp(`(^|[\\s|])${program} `, 'm').test(commands)

/** A browser that starts with the first page of a guide; most guides have none. */
function openLazily() {
  let chromium: Promise<Chromium> | undefined
  return {
    async pressUpload(address: string): Promise<string> {
      chromium ??= launchChromium()
      const page = await (await chromium).context.newPage()
      await page.goto(address)
      await page.click('#upload')
      const shown = await page.locator('#result:not(:empty)').textContent()
      await page.close()
      return shown ?? ''
    },
    async close(): Promise<void> {
      await (await chromium)?.close()
    },
  }
}
