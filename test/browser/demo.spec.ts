import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Demo, startDemo } from '../../src/demo/demo.ts'
import { vendorNames } from '../../src/dialect/named.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'
import { axeViolations, type Chromium, describeInBrowser, launchChromium } from './chromium.ts'

/** A transparent pixel. */
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='

const screenshots = join(import.meta.dirname, '..', '.output')

describeInBrowser('the demo page', () => {
  let chromium: Chromium

  beforeAll(async () => {
    await mkdir(screenshots, { recursive: true })
    chromium = await launchChromium()
  })

  afterAll(() => chromium.close())

  describe.each(vendorNames)('with %s', (dialect) => {
    let demo: Demo
    let page: Page
    const complaints: string[] = []

    beforeAll(async () => {
      const ports = { page: 0, data: 0, admin: 0 }
      demo = await startDemo({ dialect, ports, logLevel: 'silent' }, startSidecar)
      page = await chromium.context.newPage()
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) complaints.push(message.text())
      })
      await page.emulateMedia({ reducedMotion: 'reduce' })
      await page.goto(`${demo.setup.pageOrigins[0]}/`)
      await page.waitForSelector('html[data-ready]')
    })

    afterAll(async () => {
      await page.close()
      await demo.close()
    })

    const shown = async (selector: string, words: string | RegExp): Promise<string> => {
      const place = page.locator(selector).filter({ hasText: words })
      await place.waitFor()
      return (await place.textContent()) ?? ''
    }

    test('names its three origins', async () => {
      expect(await page.textContent('#page-origin')).toBe(demo.setup.pageOrigins[0])
      expect(await page.textContent('#sidecar-origin')).toBe(demo.setup.sidecarOrigin)
      expect(await page.textContent('#store-origin')).toBe(demo.setup.storeOrigin)
    })

    test('cannot read from the store itself, and can through the sidecar', async () => {
      await page.click('#direct')
      const text = await shown('#direct-result', 'through the sidecar')
      expect(text).toContain('✗ blocked by the browser')
      expect(text).toContain('TypeError: Failed to fetch')
      expect(text).toContain('✓ through the sidecar')
    })

    test('uploads across origins with a header of its own', async () => {
      await page.fill('#upload-text', `written with ${dialect}`)
      await page.fill('#upload-author', 'grace')
      await page.click('#upload button')
      const text = await shown('#upload-result', 'ETag')
      expect(text).toContain('✓ status 200')
      expect(text).toContain('Access-Control-Request-Headers: x-meta-author')
      expect(text).toContain(`Access-Control-Allow-Origin: ${demo.setup.pageOrigins[0]}`)
      const stored = await fetch(`${demo.setup.storeOrigin}/photos/hello.txt`)
      expect(await stored.text()).toBe(`written with ${dialect}`)
    })

    test('reads it back, with the headers that the rule exposes and without the others', async () => {
      await page.click('#read')
      await shown('#read-result', `written with ${dialect}`)
      const rows = await page.locator('#read-result tbody tr').allTextContents()
      const seen = (name: string) => rows.find((row) => row.toLowerCase().startsWith(name))
      expect(seen('etag')).toContain('✓ the same')
      expect(seen('x-meta-author')).toContain('grace✓ the same')
      expect(seen('x-store-node')).toContain('folder-1null (hidden)')
      expect(seen('access-control-allow-origin')).toContain('null (hidden)')
    })

    test('shows an image that was uploaded', async () => {
      const buffer = Buffer.from(pixel, 'base64')
      await page.setInputFiles('#upload-file', { name: 'ein Bild.png', mimeType: 'image/png', buffer })
      await page.click('#upload button')
      await shown('#upload-result', /Access-Control-Request-Headers: content-type,x-meta-author/i)
      await page.click('#read')
      await page.locator('#read-result img').waitFor()
      expect(await page.locator('#read-result img').evaluate('(image) => image.decode()')).toBeUndefined()
      expect((await fetch(`${demo.setup.storeOrigin}/photos/ein%20Bild.png`)).status).toBe(200)
      await page.setInputFiles('#upload-file', [])
    })

    test.each([
      ['delete', 'method', 'page-uploads', 'allowedMethods: DELETE'],
      ['header', 'header', 'page-uploads', 'allowedHeaders: x-secret'],
      ['method', 'method', 'page-reads', 'allowedMethods: PUT'],
    ])('is refused for its %s and shows why', async (choice, reason, rule, lacks) => {
      await page.check(`input[value="${choice}"]`)
      await page.click('#refused button')
      await shown('#refused-result', lacks)
      const [browser = '', sidecar = ''] = await page.locator('#refused-result .side').allTextContents()
      expect(browser).toContain('✗ refusedTypeError: Failed to fetch')
      expect(sidecar).toContain(`✗ denied`)
      expect(sidecar).toContain(`reason${reason}closest rule${rule}missing${lacks}`)
      expect(sidecar).toContain('HTTP/1.1 403 Forbidden')
      expect(sidecar).toContain('<Code>AccessForbidden</Code>')
      expect(sidecar).toContain('curl -i -X OPTIONS')
    })

    test('does not take over a file with a mistake', async () => {
      await page.fill('#rules-text', 'rules: [')
      await page.click('#save')
      expect(await shown('#editor-result', 'not loaded')).toMatch(/\d+:\d+ error /)
      await page.click('#restore')
      await shown('#editor-result', 'is the example again')
    })

    test('sees the same request pass once the rule allows it', async () => {
      await page.click('#refused button')
      await shown('#refused-result', 'TypeError: Failed to fetch')
      await page.click('#allow')
      const inserted = await shown('#editor-result', 'Inserted into reports.yaml above, not saved')
      expect(inserted).toContain('+    allowedMethods: [GET, HEAD, PUT]')
      expect(await page.inputValue('#rules-text')).toContain('allowedMethods: [GET, HEAD, PUT]')
      await page.click('#save')
      const text = await shown('#editor-result', 'allowed, status 200')
      expect(text).toContain('The new rules were live after ')
      const file = await readFile(join(demo.setup.rulesFolder, 'reports.yaml'), 'utf8')
      expect(file).toContain('allowedMethods: [GET, HEAD, PUT]')
      expect((await fetch(`${demo.setup.storeOrigin}/reports/q3.csv`)).status).toBe(200)
    })

    test('copies the proposed file and the request', async () => {
      await chromium.context.grantPermissions(['clipboard-read', 'clipboard-write'])
      const copied = (): Promise<string> => page.evaluate('navigator.clipboard.readText()')
      await page.click('#restore')
      await shown('#editor-result', 'is the example again')
      await page.click('#refused button')
      const side = page.locator('#refused-result')
      await side.getByRole('button', { name: 'Copy file: This change to reports.yaml' }).click()
      await side.getByText('Copied').waitFor()
      expect(await copied()).toContain('allowedMethods: [GET, HEAD, PUT]')
      await side.getByRole('button', { name: 'Copy as cURL' }).click()
      await expect.poll(copied).toMatch(/^curl -i -X OPTIONS/)
    })

    test('plays all steps with time to read them, can be paused, and lists the requests', async () => {
      await page.clock.install()
      await page.click('#play')
      await shown('#player-status', 'Step 1 of 5: Without the sidecar')
      await page.click('#pause')
      await shown('#direct-result', 'through the sidecar')
      await page.clock.fastForward(120_000)
      expect(await page.textContent('#player-status')).toContain('Step 1 of 5')
      expect(await page.textContent('#pause')).toBe('Continue')
      await page.click('#pause')
      await page.clock.fastForward(4_000)
      expect(await page.textContent('#player-status')).toContain('Step 1 of 5')
      for (const step of [2, 3, 4, 5]) {
        await page.clock.fastForward(20_000)
        // Busy steps wait for the sidecar itself: the clock goes on only while the page leaves time to read.
        await shown('#player[aria-busy="false"] #player-status', step === 5 ? /^Done/ : `Step ${step} of 5`)
      }
      expect(await page.locator('#player').isVisible()).toBe(true)
      await page.click('#stop')
      expect(await page.locator('#player').isHidden()).toBe(true)
      const rows = await page.locator('#log tbody tr').allTextContents()
      expect(rows[0]).toContain('PUT /reports/q3.csv✓ allowed200 OK')
      expect(rows[1]).toContain('PUT /reports/q3.csv✗ refusedTypeError: Failed to fetch')
      expect(rows[5]).toContain('GET /photos/welcome.txt✗ refusedTypeError: Failed to fetch')
    })

    test('works with the keyboard alone', async () => {
      await page.focus('#read')
      const rows = page.locator('#log tbody tr')
      const before = await rows.count()
      await page.keyboard.press('Enter')
      await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(before + 1)
      await page.locator('#read:enabled').waitFor()
      expect(await page.evaluate('document.activeElement.id')).toBe('read')
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.tagName')).not.toBe('BODY')
    })

    test.each([
      ['light', 1180],
      ['dark', 1180],
      ['dark', 360],
    ] as const)('fits its window in %s at %i pixels', async (colorScheme, width) => {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      await page.screenshot({
        path: join(screenshots, `demo-${dialect}-${colorScheme}-${width}.png`),
        fullPage: true,
      })
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      expect(await axeViolations(page)).toEqual([])
    })

    test('is under 150 KB in all', async () => {
      const sizes: number[] = []
      page.on('response', (response) => {
        if (new URL(response.url()).origin === demo.setup.pageOrigins[0])
          sizes.push(Number(response.headers()['content-length']))
      })
      await page.reload()
      await page.waitForSelector('html[data-ready]')
      const bytes = sizes.reduce((sum, size) => sum + size, 0)
      expect(bytes).toBeGreaterThan(20_000)
      expect(bytes).toBeLessThan(150 * 1024)
    })

    test('runs under its content security policy without a complaint', () => {
      expect(complaints).toEqual([])
    })
  })

  test('says at every button that the demo has stopped', async () => {
    const ports = { page: 0, data: 0, admin: 0 }
    const demo = await startDemo({ dialect: 'cos', ports, logLevel: 'silent' }, startSidecar)
    const page = await chromium.context.newPage()
    try {
      await page.goto(`${demo.setup.pageOrigins[0]}/`)
      await page.waitForSelector('html[data-ready]')
      await demo.close()
      for (const [button, place] of [
        ['#read', '#read-result'],
        ['#refused button', '#refused-result'],
        ['#save', '#editor-result'],
      ] as const) {
        await page.click(button)
        await page.locator(place).getByText('The demo has stopped').waitFor()
      }
      await page.locator('#down').getByText('The demo has stopped').waitFor()
      expect(await page.locator('#read').isEnabled()).toBe(true)
    } finally {
      await page.close()
    }
  })
})
