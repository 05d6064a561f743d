import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAdmin } from './running.ts'

const restricted = [
  '/',
  '/-/rules',
  '/-/overview',
  '/-/presets',
  '/-/page/console.css',
  '/-/denials',
  '/-/explain?bucket=photos&origin=https://a.example&method=GET',
] as const

describe('without a token configured', () => {
  test.each([
    ['no further header', {}],
    ['Host localhost', { Host: 'localhost' }],
    ['Host localhost with any port', { Host: 'LOCALHOST:1' }],
    ['Host 127.0.0.1', { Host: '127.0.0.1:9464' }],
    ['Host [::1]', { Host: '[::1]:9464' }],
    ['its own Origin', { Host: 'localhost:9464', Origin: 'http://localhost:9464' }],
    ['a typed address', { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }],
    ['a link on another site', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }],
    ['its own page', { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' }],
  ])('a local caller with %s is answered', async (_what, headers) => {
    const { call } = await startAdmin()
    for (const path of restricted) expect((await call(path, { headers })).status).toBe(200)
  })

  test.each<[string, Readonly<Record<string, string | string[]>>]>([
    ['a name that was bound to this address (DNS rebinding)', { Host: 'attacker.example' }],
    ['a name that begins like ours', { Host: 'localhost.attacker.example' }],
    ['a name that ends like ours', { Host: 'attacker.example.localhost' }],
    ['another loopback address', { Host: '127.0.0.2' }],
    ['user information in Host', { Host: 'localhost@attacker.example' }],
    ['Forwarded', { Forwarded: 'for=192.0.2.1' }],
    ['X-Forwarded-For', { 'X-Forwarded-For': '127.0.0.1' }],
    ['X-Forwarded-Host', { 'X-Forwarded-Host': 'localhost' }],
    ['X-Forwarded-Anything', { 'x-forwarded-anything': '' }],
    ['Via', { Via: '1.1 proxy' }],
    ['X-Real-IP', { 'X-Real-IP': '127.0.0.1' }],
    ['CF-Connecting-IP', { 'CF-Connecting-IP': '127.0.0.1' }],
    ['True-Client-IP', { 'True-Client-IP': '127.0.0.1' }],
    ['a foreign Origin', { Origin: 'https://attacker.example' }],
    ['the Origin of another port', { Host: 'localhost:1', Origin: 'http://localhost:2' }],
    ['Origin null', { Origin: 'null' }],
    ['a request that another site made', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }],
    ['a request that a neighbouring site made', { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors' }],
    ['a token although none is configured', { Host: 'attacker.example', Authorization: 'Bearer x' }],
  ])('%s is refused', async (_what, headers) => {
    const { call } = await startAdmin()
    for (const path of restricted) {
      const refused = await call(path, { headers })
      expect(refused.status).toBe(403)
      expect(refused.body).toMatch(path === '/' ? /^<!doctype html>/ : /^\{\n {2}"error": /)
      expect(refused.body).not.toContain('attacker')
    }
    expect((await call('/-/reload', { method: 'POST', headers })).status).toBe(403)
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await call(path, { headers })).status).toBe(200)
  })

  test.each([
    ['two Host lines', 'Host: localhost\r\nHost: attacker.example\r\n'],
    ['two Host lines, the valid one last', 'Host: attacker.example\r\nHost: localhost\r\n'],
    ['an empty Host', 'Host: \r\n'],
  ])('%s are refused', async (_what, hosts) => {
    const { port } = await startAdmin()
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET /-/rules HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)
    const answer = (await buffer(socket)).toString()
    expect(answer).toMatch(/^HTTP\/1\.1 40[03] /)
    expect(answer).not.toContain('photos')
  })

  test('a POST navigation from another site is refused', async () => {
    const { call } = await startAdmin()
    const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }
    expect((await call('/-/reload', { method: 'POST', headers })).status).toBe(403)
    expect((await call('/-/reload', { method: 'POST' })).status).toBe(200)
  })

  const address = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address
  test.skipIf(address === undefined)('a caller at another address of the machine is refused', async () => {
    const { call } = await startAdmin({}, address)
    expect((await call('/-/rules', { headers: { Host: 'localhost' } })).status).toBe(403)
    expect((await call('/metrics')).status).toBe(200)
  })
})

describe('with a token configured', () => {
  let folder = ''
  let tokenFile = ''
  const away = { Host: 'console.example' }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cors-sidecar-token-'))
    tokenFile = join(folder, 'token')
    writeFileSync(tokenFile, 'correct-horse\n')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('a caller with the token is answered from any address', async () => {
    const { call } = await startAdmin({ tokenFile })
    const headers = { ...away, Authorization: 'Bearer correct-horse', 'X-Forwarded-For': '192.0.2.1' }
    for (const path of restricted) expect((await call(path, { headers })).status).toBe(200)
    expect((await call('/-/reload', { method: 'POST', headers })).status).toBe(200)
  })

  test.each([
    ['none', undefined],
    ['a wrong one', 'Bearer correct-horsf'],
    ['a part of it', 'Bearer correct'],
    ['more than it', 'Bearer correct-horse-battery'],
    ['another scheme', 'Basic correct-horse'],
    ['an empty one', 'Bearer '],
  ])('with %s the caller gets 401', async (_what, authorization) => {
    const { call } = await startAdmin({ tokenFile })
    const headers = { ...away, ...(authorization === undefined ? {} : { Authorization: authorization }) }
    const refused = await call('/-/rules', { headers })
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toBe('Bearer')
    expect(refused.body).not.toContain('correct-horse')
  })

  test('a local caller needs the token too, because a plain proxy on this machine makes every caller look local', async () => {
    const { call } = await startAdmin({ tokenFile })
    for (const path of restricted) expect((await call(path)).status).toBe(401)
    expect((await call('/-/reload', { method: 'POST' })).status).toBe(401)
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await call(path)).status).toBe(200)
  })

  test('a new token works at once; no token works while the file is empty, missing or huge', async () => {
    const file = join(folder, 'changing')
    const { call } = await startAdmin({ tokenFile: file })
    const status = async (token: string): Promise<number> =>
      (await call('/-/rules', { headers: { ...away, Authorization: `Bearer ${token}` } })).status
    expect(await status('one')).toBe(401)
    writeFileSync(file, 'one')
    expect(await status('one')).toBe(200)
    writeFileSync(file, 'two')
    expect([await status('one'), await status('two')]).toEqual([401, 200])
    writeFileSync(file, ' \n')
    expect(await status('two')).toBe(401)
    writeFileSync(file, `one${' '.repeat(5000)}`)
    expect(await status('one')).toBe(401)
  })
})
