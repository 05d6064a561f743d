import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { nextSnapshot, nothingLoaded, type Snapshot } from '../../src/plan/snapshot.ts'
import { createDenials } from '../../src/requests/denials.ts'
import type { ReloadOutcome } from '../../src/rules/reload-result.ts'
import { type Chromium, describeInBrowser, launchChromium } from '../browser/chromium.ts'
import { loaded, rule, ruleFile } from '../core.ts'
import { finished, preflight } from '../finished.ts'
import { photosText, type RunningAdmin, rulesDirectory, startAdmin } from './running.ts'

const photosFile = (methods: readonly ('GET' | 'PUT' | 'DELETE')[]): ReturnType<typeof loaded> =>
  loaded(
    'photos',
    ruleFile({ rules: [rule({ id: 'web', allowedMethods: methods, allowedHeaders: ['content-type'] })] }),
    `photos ${methods}`,
  )

const brokenFile = {
  ...loaded('broken', undefined),
  findings: [
    {
      file: 'broken.yaml',
      line: 3,
      column: 5,
      severity: 'error',
      code: 'unknown-key',
      message: 'unknown key "alowedOrigins"',
    },
  ],
} as const

const first = nextSnapshot(nothingLoaded, [photosFile(['GET', 'PUT']), brokenFile], 'cos', Date.now())
const mended = nextSnapshot(first, [photosFile(['GET', 'PUT', 'DELETE'])], 'cos', Date.now())

/** An origin that no browser sends: it must be shown as it is, and be nothing else. */
const markup = 'https://<img src=x onerror=document.title="broken">'

describeInBrowser('the console', () => {
  let chromium: Chromium
  let admin: RunningAdmin
  let page: Page
  let snapshot: Snapshot = first
  let directory = ''
  let metrics: Metrics
  let problems: string[] = []

  beforeAll(async () => {
    chromium = await launchChromium()
  })
  afterAll(() => chromium.close())

  const count = (
    request: Parameters<Metrics['finished']>[0],
    denials: ReturnType<typeof createDenials>,
  ): void => {
    metrics.finished(request)
    denials.add(request)
  }

  beforeEach(async () => {
    snapshot = first
    metrics = createMetrics({ version: '1.2.3' })
    const denials = createDenials()
    count(finished(first, preflight(markup)), denials)
    for (let i = 0; i < 3; i++) count(finished(first, preflight('https://example.com', 'DELETE')), denials)
    count(finished(first, preflight('https://example.com', 'PUT')), denials)
    const reload = async (): Promise<ReloadOutcome> => {
      snapshot = mended
      return 'applied'
    }
    directory = rulesDirectory({ 'photos.yaml': photosText })
    admin = await startAdmin({ rules: () => snapshot, reload, metrics, denials, directory })
    page = await chromium.context.newPage()
    problems = []
    page.on('pageerror', ({ message }) => problems.push(message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
  })
  afterEach(() => page.close())

  const open = async (path = '/'): Promise<void> => {
    await page.goto(`http://127.0.0.1:${admin.port}${path}`)
    await page.locator('#status.live').waitFor()
  }

  test('says what was refused, why, and what would allow it, without a click', async () => {
    await open()
    const latest = page.locator('#denial-list > details').first()
    await expect.poll(() => latest.getAttribute('open')).toBe('')
    const text = await latest.innerText()
    expect(text).toContain('3 ×')
    expect(text).toContain('https://example.com')
    expect(text).toContain('method not allowed')
    expect(text).toContain('Rule web allows this origin, but only with GET, PUT, not with DELETE.')
    expect(await latest.locator('.added').innerText()).toBe('+    allowedMethods: [GET, PUT, DELETE]')
    await latest.getByText('The request and its answer').click()
    expect(await latest.innerText()).toContain('Access-Control-Request-Method: DELETE')
    expect(problems).toEqual([])
  })

  test('shows the whole of a change at a glance, on a phone as well', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `x-header-${n}`)
    const rules = [rule({ id: 'long', allowedHeaders: names })]
    const text = photosText.replace('[GET, PUT]', '[GET]').replace('[content-type]', `[${names.join(', ')}]`)
    await writeFile(join(directory, 'photos.yaml'), text)
    snapshot = nextSnapshot(first, [loaded('photos', ruleFile({ rules }), 'long')], 'cos', Date.now())
    await page.setViewportSize({ width: 320, height: 800 })
    await open()
    const added = page.locator('#denial-list > details').first().locator('.added')
    await added.waitFor()
    const change = page.locator('#denial-list > details').first().locator('pre').first()
    expect(await change.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
  })

  test('copies a whole file that allows what was refused', async () => {
    await chromium.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await open()
    const latest = page.locator('#denial-list > details').first()
    await latest.getByRole('button', { name: /^Copy: This change of photos\.yaml/ }).click()
    await latest.getByText('Copied').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      photosText.replace('[GET, PUT]', '[GET, PUT, DELETE]'),
    )
  })

  test('shows what was sent as text, whatever it is', async () => {
    await open()
    const hostile = page.locator('#denial-list > details').nth(1)
    await hostile.locator('summary').first().click()
    expect(await hostile.innerText()).toContain(markup)
    expect(await page.locator('#denial-list img').count()).toBe(0)
    expect(await page.title()).toBe('cors-sidecar console')
    expect(problems).toEqual([])
  })

  test('counts what is decided while it is open', async () => {
    await open()
    const allowed = page.locator('#tile-allowed')
    await expect.poll(() => allowed.innerText()).toBe('1')
    expect(await page.locator('#tile-denied').innerText()).toBe('4')
    for (let i = 0; i < 5; i++) metrics.finished(finished(first, preflight('https://example.com', 'GET')))
    await expect.poll(() => allowed.innerText(), { timeout: 10_000 }).toBe('6')
    expect(await page.locator('#totals tr').first().innerText()).toMatch(/allowed\s+6\s+0/)
    expect(await page.locator('#plot canvas').count()).toBe(1)
    await page.selectOption('#rates-kind', 'actual')
    await page.selectOption('#rates-window', '3600')
    expect(problems).toEqual([])
  })

  test('shows the files, their errors with position, and the rules that are served', async () => {
    await open()
    const [broken, photos] = [
      page.locator('#bucket-list > details').nth(0),
      page.locator('#bucket-list > details').nth(1),
    ]
    expect(await broken.innerText()).toContain('error: no rules served')
    expect(await broken.innerText()).toContain('unknown key "alowedOrigins" line 3, column 5 · unknown-key')
    await photos.locator('summary').click()
    await photos.getByText('https://example.com').waitFor()
    expect(await photos.innerText()).toContain('content-type')
    await page.fill('#find', 'PHOT')
    await expect.poll(() => page.locator('#bucket-list > details').count()).toBe(1)
  })

  test('loads the rules anew, and says which refusals they have mended', async () => {
    await open()
    await page.click('#reload')
    await page.getByText('The changes are in force.').waitFor()
    await page.mouse.move(0, 0)
    const mendedOne = page.locator('#denial-list summary', { hasText: 'allowed by now' })
    await mendedOne.waitFor()
    expect(await mendedOne.innerText()).toContain('method not allowed')
    await expect.poll(() => page.locator('#tile-trouble').innerText()).toBe('0')
  })

  test('explains a request that is typed, and gives it an address', async () => {
    await open()
    await page.fill('#try-form [name=bucket]', 'photos')
    await page.fill('#try-form [name=origin]', 'https://example.com')
    await page.selectOption('#try-form [name=method]', 'PUT')
    await page.fill('#try-form [name=headers]', 'X-Secret, Content-Type')
    await page.keyboard.press('Enter')
    const result = page.locator('#try-result')
    await result.getByText('but not the header x-secret').waitFor()
    expect(await result.innerText()).toContain('HTTP/1.1 403')
    expect(await result.innerText()).toContain("-H 'Access-Control-Request-Headers: content-type,x-secret'")
    const address = new URL(page.url())
    expect(Object.fromEntries(address.searchParams)).toEqual({
      bucket: 'photos',
      origin: 'https://example.com',
      method: 'PUT',
      headers: 'X-Secret, Content-Type',
    })
    await open(`${address.pathname}${address.search}#try`)
    await page.locator('#try-result').getByText('but not the header x-secret').waitFor()
    expect(await page.inputValue('#try-form [name=headers]')).toBe('X-Secret, Content-Type')
  })

  test('a refused request leads to its explanation, and a wrong one to what is wrong with it', async () => {
    await open()
    await page.locator('#denial-list > details').first().getByText('Try this request').click()
    await page.locator('#try-result').getByText('Rule web allows this origin').waitFor()
    expect(await page.inputValue('#try-form [name=bucket]')).toBe('photos')
    await page.fill('#try-form [name=bucket]', '../x')
    await page.click('#try-form button')
    await page.locator('#try-result [role=alert]').getByText('A bucket name is').waitFor()
  })

  test('makes a rule file, and says what is wrong with it while one types', async () => {
    await open()
    const says = page.locator('#rule-form')
    expect(await page.locator('[aria-invalid=true]').count()).toBe(0)
    await page.fill('#rule-form [name=bucket]', 'videos')
    await page.fill('#rule-form [name=allowedOrigins]', 'https://example.com\nhttps://example.com/path')
    await page.locator('#rule-allowedOrigins-says').getByText('Line 2:').waitFor()
    expect(await page.locator('#rule-form [name=allowedOrigins]').getAttribute('aria-invalid')).toBe('true')
    await page.getByText('Not yet a file that would be loaded.').waitFor()
    await page.fill('#rule-form [name=allowedOrigins]', 'https://example.com')
    await page.check('#rule-form [value=PUT]')
    await page.locator('#rule-yaml').getByText('allowedMethods: [PUT, GET]').waitFor()
    await page.selectOption('#rule-form [name=preset]', 'aws-sdk-js-v3')
    await page.locator('#rule-yaml').getByText('amz-sdk-invocation-id').waitFor()
    expect(await page.inputValue('#rule-form [name=allowedOrigins]')).toBe('https://example.com')
    await page.getByText('This file would be loaded').waitFor()
    expect(await page.locator('#rule-file').innerText()).toBe('videos.yaml')
    expect(await says.locator('[aria-invalid=true]').count()).toBe(0)
    expect(problems).toEqual([])
  })

  test('starts a rule with one that is served', async () => {
    await open()
    const photos = page.locator('#bucket-list > details').nth(1)
    await photos.locator('summary').click()
    await photos.getByText('Use as a start').click()
    await page.locator('#rule-yaml').getByText('id: web').waitFor()
    expect(await page.inputValue('#rule-form [name=allowedHeaders]')).toBe('content-type')
  })

  test('says when the sidecar does not answer, and goes on when it does', async () => {
    await open()
    await page.route('**/-/overview*', (route) => route.abort())
    await page.locator('#alarm').getByText('The sidecar does not answer.').waitFor()
    expect(await page.locator('#status').getAttribute('class')).toContain('down')
    expect(await page.locator('#tile-denied').innerText()).toBe('4')
    await page.unroute('**/-/overview*')
    await page.locator('#status.live').waitFor()
    expect(await page.locator('#alarm').isHidden()).toBe(true)
  })

  test('can be used by the keyboard alone', async () => {
    await open()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the refused requests')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('denials')
    await page.locator('#denial-list > details').nth(1).locator('summary').first().focus()
    await page.keyboard.press('Enter')
    expect(await page.locator('#denial-list > details').nth(1).getAttribute('open')).toBe('')
  })

  describe.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 320],
  ] as const)('in %s, %i pixels wide', (colorScheme, width) => {
    test('breaks no rule of axe, and nothing stands out of the page', async () => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 800 })
      await open(`/?bucket=photos&origin=${encodeURIComponent('https://evil.example')}&method=PUT#try`)
      await page.locator('#try-result .why').waitFor()
      await page.fill('#rule-form [name=allowedOrigins]', 'nonsense')
      await page.locator('#rule-allowedOrigins-says p').first().waitFor()
      for (const summary of await page
        .locator('#denial-list details > summary, #bucket-list details > summary')
        .all())
        if ((await summary.isVisible()) && (await summary.locator('..').getAttribute('open')) === null)
          await summary.click()
      await page.locator('#bucket-list table').waitFor()
      await page.evaluate(
        await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'),
      )
      const violations = await page.evaluate(
        `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' | ')))`,
      )
      expect(violations).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    })
  })

  test('keeps to its own files', async () => {
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).host))
    await open()
    expect(new Set(asked)).toEqual(new Set([`127.0.0.1:${admin.port}`]))
    const policy = (await admin.call('/')).headers['content-security-policy']
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("require-trusted-types-for 'script'")
    expect(policy).not.toContain('unsafe')
  })
})
