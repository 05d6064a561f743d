import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { readRules } from '../../src/rule-file/read.ts'
import { type SidecarOptions, startSidecar, type TestSidecar } from './sidecar.ts'

let running: TestSidecar | undefined
async function start(options: SidecarOptions): Promise<TestSidecar> {
  running = await startSidecar(options)
  return running
}
afterEach(async () => {
  expect(running?.failures ?? []).toEqual([])
  await running?.close()
  running = undefined
})

const ruleXml = (origin: string, more = ''): string =>
  `<CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>${more}</CORSRule>`
const document = (...rules: readonly string[]): string =>
  `<CORSConfiguration>${rules.join('')}</CORSConfiguration>`
const element = (body: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1]

const vendors = ['cos', 'oss', 's3'] as const

describe('a value that no browser sends', () => {
  test.each<[string, string, (typeof vendors)[number][]]>([
    ['a default port', ruleXml('https://a.example.com:443'), ['cos', 'oss', 's3']],
    ['a slash at the end', ruleXml('https://a.example.com/'), ['cos', 'oss', 's3']],
    ['a default port and a slash', ruleXml('http://*.example.com:80/'), ['cos', 'oss', 's3']],
    ['upper case', ruleXml('http://UPPERCASEEXAMPLE.com'), ['s3']],
    ['a negative max-age', ruleXml('https://a.example.com', '<MaxAgeSeconds>-5</MaxAgeSeconds>'), ['s3']],
  ])('%s is stored where the vendor stores it, comes back, and is a finding', async (_, xml, storing) => {
    for (const dialect of vendors) {
      const sidecar = await start({ dialect })
      const { status, body } = await sidecar.call('PUT', document(xml))
      if (!storing.includes(dialect)) {
        expect([dialect, status]).toEqual([dialect, 400])
        expect(await sidecar.list()).toEqual([])
      } else {
        expect([dialect, status, body]).toEqual([dialect, 200, ''])
        const got = (await sidecar.call('GET')).body.replace(/\s*\n\s*/g, '')
        expect(got).toContain(xml)
        const text = await sidecar.read('photos.yaml')
        expect(text).toContain('storedBy: api')
        const { content, findings } = readRules('photos.yaml', Buffer.from(text), dialect)
        expect(content).toBeDefined()
        expect(
          findings.some(({ severity, code }) => severity === 'warning' && /^(?:origin|maxage)-/.test(code)),
        ).toBe(true)
        // Without the mark it is a mistake of the file's author.
        const authored = readRules('photos.yaml', Buffer.from(text.replace('storedBy: api\n', '')), dialect)
        expect(authored.content).toBeUndefined()
      }
      await sidecar.close()
      running = undefined
    }
  })

  test('allows no page', async () => {
    const sidecar = await start({ dialect: 's3' })
    const origins = ['http://UPPERCASEEXAMPLE.com', 'https://a.example.com/', 'https://*.example.com:443']
    expect((await sidecar.call('PUT', document(...origins.map((origin) => ruleXml(origin))))).status).toBe(
      200,
    )
    for (const origin of [
      'http://uppercaseexample.com',
      'https://a.example.com',
      'https://b.example.com',
      ...origins.slice(0, 2),
    ])
      expect([origin, (await sidecar.preflight(origin)).status]).toEqual([origin, 403])
  })

  test('leaves no storedBy line in the file after it has been removed', async () => {
    const sidecar = await start({ dialect: 's3' })
    await sidecar.call('PUT', document(ruleXml('https://A.example.com')))
    await sidecar.call('PUT', document(ruleXml('https://a.example.com')))
    expect(await sidecar.read('photos.yaml')).not.toContain('storedBy')
    expect((await sidecar.call('DELETE')).status).toBe(204)
    expect(await sidecar.list()).toEqual([])
  })

  test.each([
    'https://a.example.com/path',
    'https://u@a.example.com',
    'https://a.example.com:0',
    'https://a b',
    'https://*.a.*',
  ])('no dialect stores %s', async (origin) => {
    for (const dialect of vendors) {
      const sidecar = await start({ dialect })
      expect((await sidecar.call('PUT', document(ruleXml(origin)))).status).toBe(400)
      await sidecar.close()
      running = undefined
    }
  })
})

describe('a document that does not fit the schema', () => {
  test.each([
    ['cos', 'The XML you provided was not well-formed or did not validate against our published schema.'],
    ['oss', 'The XML you provided was not well-formed or did not validate against our published schema.'],
    ['s3', 'The XML you provided was not well-formed or did not validate against our published schema'],
  ] as const)('%s says so in its own words, and why beside them and in the log', async (dialect, words) => {
    const sidecar = await start({ dialect })
    const { status, body } = await sidecar.call('PUT', '<CORSConfiguration></CORSConfiguration>')
    expect([status, element(body, 'Code'), element(body, 'Message')]).toEqual([400, 'MalformedXML', words])
    expect(element(body, 'Reason')).toBe('CORSRule is required')
    expect(sidecar.refusals).toMatchObject([{ bucket: 'photos', code: 'MalformedXML' }])
    expect(sidecar.refusals[0]?.reason).toMatch(/rules/i)
  })
})

describe('what OSS answers to a configuration that it does not store', () => {
  const many = Array.from({ length: 21 }, (_, index) => ruleXml(`https://a${index}.example.com`))
  test.each([
    ['too many rules', document(...many), 'CORSRuleBeyondLimit', '0034-00000006'],
    ['no rule', document(), 'MalformedXML', '0034-00000002'],
    ['a method', document(ruleXml('*').replace('PUT', 'PATCH')), 'InvalidRequest', '0034-00000011'],
    [
      'a wildcard in ExposeHeader',
      document(ruleXml('*', '<ExposeHeader>x-oss-*</ExposeHeader>')),
      'InvalidRequest',
      '0034-00000013',
    ],
    ['an origin', document(ruleXml('https://*.a.*')), 'InvalidRequest', '0034-00000009'],
    [
      'ResponseVary',
      document(ruleXml('*'), '<ResponseVary>0</ResponseVary>'),
      'MalformedXML',
      '0034-00000004',
    ],
  ])('%s', async (_, xml, code, ec) => {
    const sidecar = await start({ dialect: 'oss' })
    const { status, headers, body } = await sidecar.call('PUT', xml)
    expect([status, element(body, 'Code'), element(body, 'EC'), headers['x-oss-ec']]).toEqual([
      400,
      code,
      ec,
      ec,
    ])
    expect(element(body, 'RecommendDoc')).toBe(`https://api.aliyun.com/troubleshoot?q=${ec}`)
    if (code === 'CORSRuleBeyondLimit')
      expect(element(body, 'Message')).toBe('The CORS Rules num is beyond limit')
  })

  test('in the other dialects too many rules are an invalid request', async () => {
    const sidecar = await start({ dialect: 's3' })
    const rules = Array.from({ length: 101 }, (_, index) => ruleXml(`https://a${index}.example.com`))
    const { body } = await sidecar.call('PUT', document(...rules))
    expect(element(body, 'Code')).toBe('InvalidRequest')
  })
})

describe('a bucket that the store does not have', () => {
  const answering =
    (status: number): RequestListener =>
    (request, response) => {
      request.resume().on('end', () => response.writeHead(status).end())
    }

  test.each(
    vendors,
  )('%s: is NoSuchBucket for GET, PUT and DELETE, and no file is written', async (dialect) => {
    const sidecar = await start({ dialect, store: answering(404) })
    for (const [method, body] of [['GET'], ['PUT', document(ruleXml('*'))], ['DELETE']] as const) {
      const answer = await sidecar.call(method, body)
      expect([method, answer.status, element(answer.body, 'Code')]).toEqual([method, 404, 'NoSuchBucket'])
    }
    expect(await sidecar.list()).toEqual([])
    expect(sidecar.audits).toEqual([])
    expect(sidecar.storeRequests.map(({ method, target }) => `${method} ${target}`)).toEqual(
      Array.from({ length: 3 }, () => 'HEAD /photos/'),
    )
    expect(JSON.stringify(sidecar.storeRequests)).not.toMatch(/authorization/i)
  })

  test.each([200, 301, 400, 403, 405, 410, 500, 503])('%i does not say so', async (status) => {
    const sidecar = await start({ dialect: 's3', store: answering(status) })
    expect((await sidecar.call('PUT', document(ruleXml('*')))).status).toBe(200)
  })

  test('is not assumed when the store aborts its answer', async () => {
    const sidecar = await start({ dialect: 's3', store: (request) => request.socket.destroy() })
    expect((await sidecar.call('PUT', document(ruleXml('*')))).status).toBe(200)
  })

  test('an unverified caller never causes a request to the store', async () => {
    const sidecar = await start({ dialect: 's3', store: answering(404) })
    expect((await sidecar.call('GET', undefined, { secret: 'guess' })).status).toBe(403)
    expect(sidecar.storeRequests).toEqual([])
  })
})

describe('COS sends its time to callers that it rejects', () => {
  test('between the message and the resource', async () => {
    const sidecar = await start({ dialect: 'cos' })
    const { status, body } = await sidecar.call('GET', undefined, { secret: 'guess' })
    expect(status).toBe(403)
    expect(body).toMatch(
      /<\/Message>\n\t<ServerTime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ<\/ServerTime>\n\t<Resource>/,
    )
    const time = Date.parse(element(body, 'ServerTime') ?? '')
    expect(Math.abs(time - Date.now())).toBeLessThan(60_000)
  })

  test('the refusal of a preflight has no time', async () => {
    const sidecar = await start({ dialect: 'cos' })
    expect((await sidecar.preflight('https://a.example')).body).not.toContain('ServerTime')
  })
})
