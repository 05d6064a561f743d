import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSettings } from '../../src/settings/settings.ts'
import { type Sidecar, startSidecar } from '../../src/sidecar/sidecar.ts'
import { folderWith } from '../rules/directory.ts'
import { exchange, metric, preflight } from './exchange.ts'
import { generationFile, generationOf, origin } from './generations.ts'
import { startStore, type TestStore } from './store.ts'

let rules = ''
let store: TestStore
let sidecar: Sidecar
let data = ''
let admin = ''

beforeAll(async () => {
  rules = await folderWith(await mkdtemp(join(tmpdir(), 'dead-store-')), {
    'cos.yaml': `${generationFile(1)}dialect: cos\n`,
    'oss.yaml': `${generationFile(1)}dialect: oss\n`,
    's3.yaml': `${generationFile(1)}dialect: s3\n`,
  })
  store = await startStore()
  const flags = {
    upstream: store.url,
    rules,
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    logLevel: 'silent',
  }
  const read = readSettings({ flags, environment: {}, config: undefined })
  if (read.kind === 'issues') throw new Error(read.issues.join('\n'))
  sidecar = await startSidecar(read.settings)
  data = `http://127.0.0.1:${sidecar.dataAddress.port}`
  admin = `http://127.0.0.1:${sidecar.adminAddress.port}`
})

afterAll(async () => {
  await sidecar.close()
  await store.close()
  await rm(rules, { recursive: true })
})

const errors = (type: string) => metric(admin, `cors_sidecar_upstream_errors_total{type="${type}"}`)

describe('an answer that the store broke off', () => {
  test('never looks complete to a client', async () => {
    const response = await fetch(`${data}/cos/truncated`, { headers: { Origin: origin } })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    await expect(response.arrayBuffer()).rejects.toThrow()
    expect(await errors('truncated')).toBe(1)
  })
})

describe('while the store is dead', () => {
  beforeAll(() => store.close())

  test.each([
    ['cos', 'x-cos-request-id'],
    ['oss', 'x-oss-request-id'],
    ['s3', 'x-amz-request-id'],
  ])('a page can read the 502 of a %s bucket', async (bucket, requestIdHeader) => {
    const { status, headers, body } = await exchange(`${data}/${bucket}/object`, {
      headers: { Origin: origin },
    })
    expect(status).toBe(502)
    expect(headers['content-type']).toBe('application/xml')
    expect(headers['access-control-allow-origin']).toBe(origin)
    expect(headers['access-control-expose-headers']).toBe('x-gen-1')
    expect(headers.vary).toMatch(/\borigin\b/i)
    expect(headers[requestIdHeader]).toMatch(/./)
    expect(body.toString()).toContain('<Code>BadGateway</Code>')
    expect(body.toString()).toContain(`${headers[requestIdHeader]}</RequestId>`)
  })

  test('an upload gets the same 502', async () => {
    const sent = { method: 'PUT', headers: { Origin: origin }, body: Buffer.alloc(1_000_000) }
    const { status, headers } = await exchange(`${data}/cos/object`, sent)
    expect(status).toBe(502)
    expect(headers['access-control-allow-origin']).toBe(origin)
  })

  test('a request without Origin, or from an origin that the rules do not allow, gets no CORS headers', async () => {
    for (const headers of [{}, { Origin: 'https://evil.example' }]) {
      const answer = await exchange(`${data}/cos/object`, { headers })
      expect(answer.status).toBe(502)
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
      expect(answer.headers.vary).toMatch(/\borigin\b/i)
    }
  })

  test('preflights are answered, and the sidecar is ready', async () => {
    expect(generationOf(await exchange(`${data}/cos/object`, preflight(origin)))).toBe(1)
    expect((await exchange(`${admin}/readyz`)).status).toBe(200)
    expect(await errors('refused')).toBeGreaterThan(0)
  })

  test('requests work again when the store is back', async () => {
    store = await startStore(store.port)
    const answer = await exchange(`${data}/cos/object`, { headers: { Origin: origin } })
    expect(generationOf(answer)).toBe(1)
    expect(answer.body.toString()).toBe('the object object')
  })
})
