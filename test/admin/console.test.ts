import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDifferences } from '../../src/compare/differences.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { judge } from '../../src/plan/judge.ts'
import { nextSnapshot, nothingLoaded, type Snapshot } from '../../src/plan/snapshot.ts'
import { createDenials } from '../../src/requests/denials.ts'
import { createStoreHealth, type StoreHealthRecord } from '../../src/requests/store-health.ts'
import type { ReloadOutcome } from '../../src/rules/reload-result.ts'
import { axeViolations, type Chromium, describeInBrowser, launchChromium } from '../browser/chromium.ts'
import { loaded, rule, ruleFile, setup } from '../core.ts'
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
const corrected = nextSnapshot(first, [photosFile(['GET', 'PUT', 'DELETE'])], 'cos', Date.now())

/** Contains more than the form shows. */
const fileText = `# Owner: web team
${photosText}tests:
  - {origin: "https://example.com", method: GET, expect: allow}
`

/** No browser sends this origin. The page must show it as text. */
const markup = 'https://<img src=x onerror=document.title="broken">'

describeInBrowser('the console', () => {
  let chromium: Chromium
  let admin: RunningAdmin
  let page: Page
  let snapshot: Snapshot = first
  let directory = ''
  let metrics: Metrics
  let health: StoreHealthRecord
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
      snapshot = corrected
      return 'applied'
    }
    directory = rulesDirectory({ 'photos.yaml': fileText, 'broken.yaml': 'alowedOrigins: []\n' })
    health = createStoreHealth()
    const store = { address: 'http://store.test:9000', health: () => health.current(), probe: async () => {} }
    admin = await startAdmin({ rules: () => snapshot, reload, metrics, denials, directory, store })
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

  test('shows the latest refused request with its reason and the change, without a click', async () => {
    await open()
    const latest = page.locator('#denial-list > details').first()
    await expect.poll(() => latest.getAttribute('open')).toBe('')
    await latest.locator('.why').waitFor()
    const text = await latest.innerText()
    expect(text).toContain('3 ×')
    expect(text).toContain('https://example.com')
    expect(text).toContain('method not allowed')
    expect(text).toContain('Rule web allows this origin, but only with GET, PUT, not with DELETE.')
    expect(await latest.locator('.facts').innerText()).toContain('DELETE')
    expect(await latest.locator('.added').innerText()).toBe('+    allowedMethods: [GET, PUT, DELETE]')
    await latest.getByText('Request and response').click()
    expect(await latest.innerText()).toContain('Access-Control-Request-Method: DELETE')
    expect(problems).toEqual([])
  })

  test('wraps a long change on a phone', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `x-header-${n}`)
    const rules = [rule({ id: 'long', allowedHeaders: names })]
    const text = photosText.replace('[GET, PUT]', '[GET]').replace('[content-type]', `[${names.join(', ')}]`)
    await writeFile(join(directory, 'photos.yaml'), text)
    snapshot = nextSnapshot(first, [loaded('photos', ruleFile({ rules }), 'long')], 'cos', Date.now())
    await page.setViewportSize({ width: 320, height: 800 })
    await open()
    const change = page.locator('#denial-list > details').first().locator('pre').first()
    await change.locator('.added').waitFor()
    expect(await change.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
  })

  test('shows a proposal as a diff, and copies the whole file and the request as cURL', async () => {
    const changed = fileText.replace('[GET, PUT]', '[GET, PUT, DELETE]')
    await chromium.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.setViewportSize({ width: 320, height: 800 })
    await open()
    const latest = page.locator('#denial-list > details').first()
    await latest.locator('.added').waitFor()
    expect(await latest.locator('.added').innerText()).toBe('+    allowedMethods: [GET, PUT, DELETE]')
    expect(await latest.locator('.removed').innerText()).toBe('-    allowedMethods: [GET, PUT]')
    const block = latest.locator('pre').first()
    expect(await block.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
    const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText())
    await latest.getByRole('button', { name: 'Copy file: This change to photos.yaml would allow it' }).click()
    await latest.getByText('Copied').waitFor()
    expect(await copied()).toBe(changed)
    await latest.getByRole('button', { name: 'Copy as cURL: the same request as a curl command' }).click()
    await expect.poll(copied).toMatch(/^curl -i -X OPTIONS/)
    await latest.getByRole('button', { name: 'Open in editor: photos.yaml' }).click()
    await expect.poll(() => page.inputValue('#rule-text')).toBe(changed)
    expect(problems).toEqual([])
  })

  test('finds refused requests by bucket, origin and reason', async () => {
    await open()
    const groups = page.locator('#denial-list > details')
    await expect.poll(() => groups.count()).toBe(2)
    await page.fill('#denials-filter [name=origin]', 'EXAMPLE.com')
    await expect.poll(() => groups.count()).toBe(1)
    expect(await page.locator('#denials-found').innerText()).toBe('1 of 2 groups')
    await page.selectOption('#denials-filter [name=reason]', 'header')
    await page.getByText('No refused request matches the filter.').waitFor()
    await page.fill('#denials-filter [name=origin]', '')
    await page.selectOption('#denials-filter [name=reason]', '')
    await page.fill('#denials-filter [name=bucket]', 'hot')
    await expect.poll(() => groups.count()).toBe(2)
    await page.fill('#denials-filter [name=bucket]', 'videos')
    await expect.poll(() => groups.count()).toBe(0)
    expect(problems).toEqual([])
  })

  test('links a refused request to its bucket and to the meaning of its reason', async () => {
    await open()
    const latest = page.locator('#denial-list > details').first()
    await latest.getByText('Rules of photos').click()
    await page.locator('#bucket-list > details[open] .rule-table').waitFor()
    expect(await page.locator('#bucket-list > details').count()).toBe(1)
    await latest.getByText('What “method not allowed” means').click()
    await expect.poll(() => page.locator('#reason-method').isVisible()).toBe(true)
  })

  test('shows since when and why the store is unreachable, and when it is back', async () => {
    health.finished({ upstreamError: 'refused', upstreamMilliseconds: undefined })
    await open()
    const alarm = page.locator('#store-alarm')
    await alarm.waitFor()
    expect(await alarm.innerText()).toMatch(
      /^The store http:\/\/store\.test:9000 has been unreachable since [0-9:]+: connection refused\. 1 request has failed\./,
    )
    health.finished({ upstreamError: undefined, upstreamMilliseconds: 2 })
    await expect.poll(() => alarm.isHidden(), { timeout: 10_000 }).toBe(true)
    expect(await page.locator('#store-state').innerText()).toMatch(/^Reachable since [0-9:]+; last error/)
    expect(await page.locator('#counted-since').innerText()).toMatch(/^Counted since the sidecar started, /)
    expect(await page.locator('body').innerText()).not.toContain('generation')
  })

  test('an empty rules directory is an alarm', async () => {
    snapshot = nextSnapshot(nothingLoaded, [], 'cos', Date.now())
    await open()
    const alarm = page.locator('#rules-alarm')
    await alarm.waitFor()
    expect(await alarm.innerText()).toMatch(/^There are no rule files in .*: every preflight is refused\./)
  })

  test('shows markup in a request as text', async () => {
    await open()
    const hostile = page.locator('#denial-list > details').nth(1)
    await hostile.locator('summary').first().click()
    expect(await hostile.innerText()).toContain(markup)
    expect(await page.locator('#denial-list img').count()).toBe(0)
    expect(await page.title()).toBe('cors-sidecar console')
    expect(problems).toEqual([])
  })

  test('updates the counters while it is open', async () => {
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

  test('shows the files, their errors with position, and the rules in use', async () => {
    await open()
    const [broken, photos] = [
      page.locator('#bucket-list > details').nth(0),
      page.locator('#bucket-list > details').nth(1),
    ]
    expect(await broken.innerText()).toContain('error: no rules are served')
    expect(await broken.innerText()).toMatch(/unknown key "alowedOrigins"\s+line 3, column 5 · unknown-key/)
    await photos.locator('summary').click()
    await photos.getByText('https://example.com').waitFor()
    expect(await photos.innerText()).toContain('content-type')
    await page.fill('#find', 'PHOT')
    await expect.poll(() => page.locator('#bucket-list > details').count()).toBe(1)
  })

  test('reloads the rules and marks requests that are now allowed', async () => {
    await open()
    await page.click('#reload')
    await page.getByText('The changes are live.').waitFor()
    await page.mouse.move(0, 0)
    const allowedOne = page.locator('#denial-list summary', { hasText: 'now allowed' })
    await allowedOne.waitFor()
    expect(await allowedOne.innerText()).toContain('method not allowed')
    await expect.poll(() => page.locator('#tile-errors').innerText()).toBe('0')
  })

  test('explains a request from the form and puts it into the URL', async () => {
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

  test('fills the form from a refused request, and shows an error at its field', async () => {
    await open()
    await page.locator('#denial-list > details').first().getByText('Try this request').click()
    await page.locator('#try-result').getByText('Rule web allows this origin').waitFor()
    expect(await page.inputValue('#try-form [name=bucket]')).toBe('photos')
    await page.fill('#try-form [name=bucket]', '../x')
    await page.click('#try-form button[type=submit]')
    await page.locator('#try-bucket-error').getByText('A bucket name is').waitFor()
    expect(await page.getAttribute('#try-form [name=bucket]', 'aria-invalid')).toBe('true')
  })

  test('marks missing fields and sends no request', async () => {
    await open()
    await page.click('#try-form button[type=submit]')
    expect(await page.locator('#try-bucket-error').innerText()).toBe('Enter the bucket.')
    expect(await page.locator('#try-origin-error').innerText()).toMatch(/^Enter the origin/)
    expect(await page.evaluate('document.activeElement.name')).toBe('bucket')
    await page.fill('#try-form [name=bucket]', 'photos')
    expect(await page.locator('#try-bucket-error').innerText()).toBe('')
    expect(problems).toEqual([])
  })

  test('opens the whole file of a bucket and edits it without losing anything', async () => {
    await open()
    await page.fill('#open-form [name=bucket]', 'photos')
    await page.keyboard.press('Enter')
    await page.locator('#rule-1').waitFor()
    expect(await page.inputValue('#rule-text')).toBe(fileText)
    expect(await page.locator('#editor-note').innerText()).toContain(
      'Also in this file (edit in the text): tests',
    )
    expect(await page.locator('#rule-diff').innerText()).toMatch(/^No changes: equal to photos/)
    await page.fill('#rule-1-allowedOrigins', 'https://example.com\nhttps://a.example/path')
    await page.locator('#rule-1-allowedOrigins-says').getByText('Line 2:').waitFor()
    expect(await page.getAttribute('#rule-1-allowedOrigins', 'aria-invalid')).toBe('true')
    await page.getByText('Not valid yet: 1 error.').waitFor()
    await page.fill('#rule-1-allowedOrigins', 'https://example.com\nhttps://a.example')
    await page
      .locator('#rule-verdict')
      .getByText(/^Valid/)
      .waitFor()
    const expected = fileText.replace(
      '["https://example.com"]',
      '["https://example.com", "https://a.example"]',
    )
    await expect.poll(() => page.inputValue('#rule-text')).toBe(expected)
    await page.locator('#rule-diff .added').getByText('https://a.example').waitFor()
    await page.check('#rule-1 [value=DELETE]')
    await expect.poll(() => page.inputValue('#rule-text')).toContain('[GET, PUT, DELETE]')
    expect(problems).toEqual([])
  })

  test('edits XML by the form, which then has no presets', async () => {
    const element = (name: string, value: string): string => `    <${name}>${value}</${name}>\n`
    const xml = `<CORSConfiguration>\n  <CORSRule>\n${element('AllowedOrigin', 'https://example.com')}${element('AllowedMethod', 'GET')}${element('MaxAgeSeconds', '600')}  </CORSRule>\n</CORSConfiguration>\n`
    await writeFile(join(directory, 'old.xml'), xml)
    const old = { ...loaded('old', ruleFile()), file: 'old.xml' }
    snapshot = nextSnapshot(first, [photosFile(['GET']), old], 'cos', Date.now())
    await open()
    await page.fill('#open-form [name=bucket]', 'old')
    await page.keyboard.press('Enter')
    await page.locator('#rule-1').waitFor()
    expect(await page.locator('#rule-1-allowedOrigins').inputValue()).toBe('https://example.com')
    expect(await page.locator('#rule-1 [name=preset]').isVisible()).toBe(false)
    await page.check('#rule-1 [value=PUT]')
    const added = `${element('AllowedMethod', 'GET')}${element('AllowedMethod', 'PUT')}`
    const expected = xml.replace(element('AllowedMethod', 'GET'), added)
    await expect.poll(() => page.inputValue('#rule-text')).toBe(expected)
    await page.locator('#rule-diff .added').getByText('PUT').waitFor()
    await page.click('#add-rule')
    await page.locator('#rule-2').waitFor()
    await page.getByRole('button', { name: 'Move up: rule 2' }).click()
    await page.getByRole('button', { name: 'Remove: rule 1' }).click()
    await expect.poll(() => page.inputValue('#rule-text')).toBe(expected)
    expect(problems).toEqual([])
  })

  test('adds, moves and removes rules', async () => {
    await open()
    await page.fill('#open-form [name=bucket]', 'photos')
    await page.keyboard.press('Enter')
    await page.locator('#rule-1').waitFor()
    await page.click('#add-rule')
    await page.fill('#rule-2-id', 'second')
    await page.selectOption('#rule-2-preset', 'presigned-upload')
    await expect.poll(() => page.inputValue('#rule-text')).toContain('preset: presigned-upload')
    await page.getByRole('button', { name: 'Move up: rule 2' }).click()
    await page.locator('#rule-1 legend').getByText('Rule 1: second').waitFor()
    await page.getByRole('button', { name: 'Remove: rule 1' }).click()
    await expect.poll(() => page.locator('.rule-card').count()).toBe(1)
    expect(await page.inputValue('#rule-text')).toBe(fileText)
  })

  test('shows in the form what is typed in the text', async () => {
    await open()
    await page.fill('#open-form [name=bucket]', 'videos')
    await page.click('#new-file')
    await page.locator('#rule-1').waitFor()
    expect(await page.locator('#rule-file').innerText()).toBe('videos.yaml')
    await page.fill(
      '#rule-text',
      'rules:\n  - {id: v, allowedOrigins: ["*"], allowedMethods: [GET, PATCH]}\n',
    )
    await expect.poll(() => page.inputValue('#rule-1-id')).toBe('v')
    // Other methods of the file have a box too, because ticking another box must not lose them.
    expect(await page.isChecked('#rule-1 [value=PATCH]')).toBe(true)
    await page.fill('#rule-text', 'rules: [')
    await page.getByText('The text is not a valid list of rules').waitFor()
    expect(await page.locator('.rule-card').count()).toBe(0)
    await page.fill('#open-form [name=bucket]', 'My Bucket!')
    await page.click('#new-file')
    await page.locator('#rule-findings').getByText('cannot be one').waitFor()
    await page.fill('#open-form [name=bucket]', 'nothing')
    await page.keyboard.press('Enter')
    await page.locator('#open-result').getByText('There is no rule file for the bucket').waitFor()
  })

  test('counts what candidate rules would decide differently, with examples', async () => {
    let candidate = nextSnapshot(
      nothingLoaded,
      [photosFile(['GET', 'DELETE']), brokenFile],
      'cos',
      Date.now(),
    )
    const differences = createDifferences()
    const compare = (method: string, times: number): void => {
      const request = finished(first, preflight('https://example.com', method))
      for (let n = 0; n < times; n++) differences.compare(request, judge(candidate, setup, request.facts))
    }
    compare('GET', 4)
    compare('PUT', 3)
    compare('DELETE', 2)
    const candidates = {
      directory: '/candidate rules',
      current: () => candidate,
      lastReload: () => undefined,
      totals: () => ({ ...differences.totals(), undecided: 1 }),
      top: differences.top,
    }
    admin = await startAdmin({ rules: () => snapshot, metrics, directory, candidates })
    await open()
    await page.locator('#candidates-link').waitFor()
    const section = page.locator('#candidates')
    const groups = section.locator('#candidate-list > details')
    await expect.poll(() => groups.count()).toBe(2)
    expect(await section.locator('dd').allInnerTexts()).toEqual(['9', '5', '1'])
    expect(await page.locator('#candidates-notes').innerText()).toContain('Not comparable: ')
    expect(await page.locator('#candidates-files').innerText()).toContain('unknown key "alowedOrigins"')
    const [refused, allowed] = [groups.nth(0), groups.nth(1)]
    expect(await refused.innerText()).toMatch(
      /^3 ×\s+https:\/\/example\.com → photos, PUT \(preflight\)\s+would be refused/,
    )
    expect(await allowed.innerText()).toMatch(
      /^2 ×\s+https:\/\/example\.com → photos, DELETE \(preflight\)\s+would be allowed/,
    )
    await refused.locator('summary').click()
    const body = await refused.locator('.body').innerText()
    expect(body).toContain('Live rules: allowed by rule web.')
    expect(body).toContain('Candidate rules: refused, method not allowed.')
    expect(body).toContain('store.test/photos/cat.jpg')
    expect(body).toContain("cors-sidecar explain --rules '/candidate rules' --dialect cos --bucket photos")
    candidate = first
    await expect.poll(() => groups.count(), { timeout: 10_000 }).toBe(0)
    expect(await page.locator('#candidates-notes').innerText()).toContain('2 groups are left out')
    expect(problems).toEqual([])
  })

  test('opens the file of a bucket in the editor', async () => {
    await open()
    const photos = page.locator('#bucket-list > details').nth(1)
    await photos.locator('summary').click()
    await photos.getByRole('button', { name: 'Edit rules of photos' }).click()
    await expect.poll(() => page.inputValue('#rule-text')).toBe(fileText)
  })

  test('shows that the sidecar does not respond, and recovers', async () => {
    await open()
    await page.route('**/-/overview*', (route) => route.abort())
    await page.locator('#alarm').getByText('The sidecar does not respond.').waitFor()
    expect(await page.locator('#status').getAttribute('class')).toContain('down')
    expect(await page.locator('#tile-denied').innerText()).toBe('4')
    await page.unroute('**/-/overview*')
    await page.locator('#status.live').waitFor()
    expect(await page.locator('#alarm').isHidden()).toBe(true)
  })

  test('can be used by the keyboard alone', async () => {
    await open()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to refused requests')
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
    ['dark', 360],
    ['light', 1600],
  ] as const)('in %s, %i pixels wide', (colorScheme, width) => {
    test('has no axe violation and does not scroll sideways', async () => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 800 })
      await open(`/?bucket=photos&origin=${encodeURIComponent('https://evil.example')}&method=PUT#try`)
      await page.locator('#try-result .why').waitFor()
      await page.fill('#open-form [name=bucket]', 'photos')
      await page.keyboard.press('Enter')
      await page.fill('#rule-1-allowedOrigins', 'nonsense')
      await page.locator('#rule-1-allowedOrigins-says p').first().waitFor()
      for (const summary of await page
        .locator('#denial-list > details > summary, #bucket-list > details > summary')
        .all())
        if ((await summary.isVisible()) && (await summary.locator('..').getAttribute('open')) === null)
          await summary.click()
      await page.locator('#bucket-list table').waitFor()
      expect(await axeViolations(page)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    })
  })

  test('with 10,000 buckets and 200 groups, loads only what it shows', async () => {
    const buckets = Array.from({ length: 10_000 }, (_, n) => loaded(`bucket-${n}`, ruleFile(), 'one'))
    snapshot = nextSnapshot(nothingLoaded, buckets, 'cos', Date.now())
    const denials = createDenials()
    for (let n = 0; n < 200; n++)
      denials.add(
        finished(snapshot, { ...preflight(`https://app${n}.example.com`, 'PUT'), target: '/bucket-1/x' }),
      )
    admin = await startAdmin({ rules: () => snapshot, metrics, denials, directory })
    const groups = new Set<string>()
    page.on('request', (request) => {
      if (request.url().includes('group=')) groups.add(request.url())
    })
    const [explained] = await Promise.all([
      page.waitForResponse((response) => response.url().includes('group=')),
      open(),
    ])
    await expect.poll(() => page.locator('#denial-list > details').count()).toBe(200)
    expect(await page.locator('#bucket-list > details').count()).toBe(100)
    expect(await page.locator('#bucket-more').innerText()).toBe('1 to 100 of 10,000')
    await page.locator('#denial-list .why').first().waitFor()
    // Explanation and proposal are loaded only for the open group.
    expect(groups.size).toBe(1)
    expect((await explained.body()).length).toBeLessThan(10_000)
    expect((await admin.call('/-/denials?recent=0&explained=no')).body.length).toBeLessThan(200_000)
    expect((await admin.call('/-/overview?since=0')).body.length).toBeLessThan(60_000)
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('101 to 200 of 10,000').waitFor()
    await page.fill('#find', 'bucket-9999')
    await expect.poll(() => page.locator('#bucket-list > details').count()).toBe(1)
    expect(problems).toEqual([])
  })

  test('is under 150 KB in all', async () => {
    const sizes: number[] = []
    page.on('response', (response) => {
      const path = new URL(response.url()).pathname
      if (path === '/' || path.startsWith('/-/page/'))
        sizes.push(Number(response.headers()['content-length']))
    })
    await open()
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThan(150 * 1024)
  })

  test('loads only its own files', async () => {
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
