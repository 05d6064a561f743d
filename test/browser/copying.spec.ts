import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endProgram, type Program, startProgram } from '../serve/program.ts'
import { type Chromium, describeInBrowser, launchChromium } from './chromium.ts'

const app = 'https://app.example.com'

/** Rule files as teams have them, in every format. */
const files: Readonly<Record<string, string>> = {
  'photos.yaml': `# Owner: web team
rules:
  - id: web
    allowedOrigins:
      - "${app}"   # production
    allowedMethods: [GET, HEAD, PUT]
    allowedHeaders: [content-type]
    exposeHeaders: [ETag]
    maxAgeSeconds: 600
tests:
  - {origin: "${app}", method: PUT, headers: [content-type], expect: allow}
`,
  'preset.yaml': `rules:\n  - preset: presigned-upload\n    allowedOrigins: ["${app}"]\n`,
  'flow.yaml': `rules: [{id: f, allowedOrigins: ["${app}"], allowedMethods: [GET, HEAD], maxAgeSeconds: 60}]\n`,
  'public.yaml': 'rules:\n  - {allowedOrigins: ["*"], allowedMethods: [GET, HEAD], maxAgeSeconds: 60}\n',
  'aws.json': `${JSON.stringify({ CORSRules: [{ AllowedOrigins: [app], AllowedMethods: ['GET', 'HEAD'], AllowedHeaders: ['range'] }] }, undefined, 2)}\n`,
  'vendor.xml': `<CORSConfiguration>
  <CORSRule>
    <AllowedOrigin>${app}</AllowedOrigin>
    <AllowedMethod>GET</AllowedMethod>
    <AllowedMethod>HEAD</AllowedMethod>
  </CORSRule>
</CORSConfiguration>
`,
}

type Asked = readonly [bucket: string, origin: string, method: string, headers?: string]

/** Each with all requests of its group. */
const refusals: readonly { readonly what: string; readonly asked: readonly [Asked, ...Asked[]] }[] = [
  { what: 'a method', asked: [['photos', app, 'DELETE']] },
  {
    what: 'headers',
    asked: [
      ['photos', app, 'PUT', 'content-type,x-amz-date'],
      ['photos', app, 'PUT', 'x-amz-acl'],
    ],
  },
  { what: 'an origin', asked: [['photos', 'https://staging.example.com', 'GET']] },
  {
    what: 'an origin with several methods and headers',
    asked: [
      ['photos', 'https://admin.example.com', 'PUT', 'content-type'],
      ['photos', 'https://admin.example.com', 'DELETE', 'x-reason'],
    ],
  },
  { what: 'a header beside a preset', asked: [['preset', app, 'PUT', 'x-request-id']] },
  { what: 'a header of a rule in braces', asked: [['flow', app, 'GET', 'range']] },
  {
    what: 'a write to a public bucket',
    asked: [['public', 'https://cms.example.com', 'PUT', 'content-type']],
  },
  { what: 'a method of a JSON file', asked: [['aws', app, 'PUT', 'range']] },
  { what: 'an origin of an XML file', asked: [['vendor', 'https://new.example.com', 'GET']] },
  { what: 'a bucket without a file', asked: [['fresh', app, 'PUT', 'content-type,x-amz-date']] },
]

describeInBrowser('from a refusal to a file that works, by copying alone', () => {
  let chromium: Chromium
  let program: Program
  let page: Page
  let rules = ''

  beforeAll(async () => {
    rules = await mkdtemp(join(tmpdir(), 'cors-sidecar-copying-'))
    for (const [name, text] of Object.entries(files)) await writeFile(join(rules, name), text)
    program = await startProgram('http://127.0.0.1:9', rules, ['--strict-start'])
    chromium = await launchChromium()
    await chromium.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    page = await chromium.context.newPage()
  })
  afterAll(async () => {
    await chromium?.close()
    await endProgram(program)
    await rm(rules, { recursive: true, force: true })
  })

  test.each(refusals)('$what', async ({ asked }) => {
    for (const one of asked) expect(await preflight(program.data, one)).toBe(403)
    const [[bucket, origin]] = asked
    await page.goto(program.admin)
    await page.fill('#denials-filter [name=bucket]', bucket)
    await page.fill('#denials-filter [name=origin]', origin)
    const groups = page.locator('#denial-list > details')
    const group = groups.filter({ hasNotText: 'now allowed' })
    await expect.poll(() => group.count()).toBe(1)
    const summary = group.locator('summary').first()
    await expect.poll(() => summary.innerText()).toContain(origin)
    if ((await group.getAttribute('open')) === null) await summary.click()

    const button = group.getByRole('button', { name: /^Copy file: / })
    await button.click()
    await group.getByText('Copied').waitFor()
    const label = (await button.getAttribute('aria-label')) ?? ''
    const name = /\b[a-z]+\.(?:yaml|json|xml)\b/.exec(label)?.[0] ?? ''
    await writeFile(join(rules, name), await page.evaluate<string>('navigator.clipboard.readText()'))

    await page.click('#reload')
    // The sidecar may have seen the file before the click.
    await page.getByText(/^(?:The changes are live|Up to date)/).waitFor()
    await expect.poll(() => group.count()).toBe(0)
    for (const one of asked) expect(await preflight(program.data, one)).toBe(200)
    // No other origin was let in.
    expect(await preflight(program.data, [bucket, 'https://evil.example', 'PUT'])).toBe(403)
  }, 60_000)
})

/** The status of the answer to a preflight, sent as a browser does. */
const preflight = (data: string, [bucket, origin, method, headers]: Asked): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(
      `${data}/${bucket}/object`,
      {
        method: 'OPTIONS',
        headers: {
          Origin: origin,
          'Access-Control-Request-Method': method,
          ...(headers === undefined ? {} : { 'Access-Control-Request-Headers': headers }),
        },
      },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      },
    )
    sent.on('error', reject)
    sent.end()
  })
