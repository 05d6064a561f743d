import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Answered, type RunningAdmin, startAdmin } from './running.ts'

let folder = ''
let tokenFile = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cors-sidecar-sign-in-'))
  tokenFile = join(folder, 'token')
})
beforeEach(() => writeFileSync(tokenFile, 'correct-horse\n'))
afterAll(() => rmSync(folder, { recursive: true }))

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
const away = { Host: 'console.example' }

const signIn = (
  { call }: RunningAdmin,
  token: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> =>
  call('/-/sign-in', {
    method: 'POST',
    headers: { ...away, ...form, ...headers },
    body: new URLSearchParams({ token }).toString(),
  })

const cookieOf = ({ headers }: Answered): string => headers['set-cookie']?.[0]?.split(';', 1)[0] ?? ''

describe('signing in', () => {
  test('exchanges the token for a cookie that scripts and other sites cannot use', async () => {
    const admin = await startAdmin({ tokenFile })
    const answered = await signIn(admin, 'correct-horse')
    expect(answered).toMatchObject({ status: 303, headers: { location: '/' } })
    const [line = ''] = answered.headers['set-cookie'] ?? []
    expect(line).toMatch(
      /^cors_sidecar_session=[0-9]+\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    )
    expect(line).not.toContain('correct-horse')
    const headers = { ...away, Cookie: `other=1; ${cookieOf(answered)}` }
    for (const path of ['/', '/-/rules', '/-/page/console.css'])
      expect((await admin.call(path, { headers })).status).toBe(200)
    const own = { ...headers, 'Sec-Fetch-Site': 'same-origin', Origin: 'https://console.example' }
    expect((await admin.call('/-/reload', { method: 'POST', headers: own })).status).toBe(200)
  })

  test('sets a Secure cookie behind TLS', async () => {
    const answered = await signIn(await startAdmin({ tokenFile }), 'correct-horse', {
      'X-Forwarded-Proto': 'https',
    })
    expect(answered.headers['set-cookie']?.[0]).toMatch(/; Secure$/)
  })

  test.each([
    '',
    'correct',
    'correct-horse-battery',
    'Correct-Horse',
  ])('with the token %j is refused with the page', async (token) => {
    const answered = await signIn(await startAdmin({ tokenFile }), token)
    expect(answered.status).toBe(401)
    expect(answered.headers['set-cookie']).toBeUndefined()
    expect(answered.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answered.body).toContain('This is not the token')
    expect(answered.body).not.toContain('correct-horse')
  })

  test('from another site is refused', async () => {
    const admin = await startAdmin({ tokenFile })
    for (const headers of [
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' },
      { Origin: 'https://attacker.example' },
      { Origin: 'null' },
    ])
      expect(await signIn(admin, 'correct-horse', headers)).toMatchObject({ status: 403 })
  })

  test('with too long a body is refused, and so is GET', async () => {
    const admin = await startAdmin({ tokenFile })
    expect((await signIn(admin, 'x'.repeat(10_000))).status).toBe(413)
    // Without Content-Length.
    const chunked = await fetch(`http://127.0.0.1:${admin.port}/-/sign-in`, {
      method: 'POST',
      body: new Blob(['x'.repeat(10_000)]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(chunked.status).toBe(413)
    expect((await admin.call('/-/sign-in')).status).toBe(405)
    expect((await signIn(await startAdmin(), 'correct-horse')).status).toBe(404)
  })
})

describe('a session', () => {
  const statusWith = async ({ call }: RunningAdmin, cookie: string, more = {}): Promise<number> =>
    (await call('/-/rules', { headers: { ...away, Cookie: cookie, ...more } })).status

  test('ends after twelve hours, with another token, and with the process', async () => {
    let time = Date.now()
    const admin = await startAdmin({ tokenFile, now: () => time })
    const cookie = cookieOf(await signIn(admin, 'correct-horse'))
    expect(await statusWith(admin, cookie)).toBe(200)
    expect(await statusWith(await startAdmin({ tokenFile }), cookie)).toBe(401)
    time += 12 * 3_600_000
    expect(await statusWith(admin, cookie)).toBe(401)
    const later = cookieOf(await signIn(admin, 'correct-horse'))
    writeFileSync(tokenFile, 'another')
    expect(await statusWith(admin, later)).toBe(401)
    writeFileSync(tokenFile, '')
    expect(await statusWith(admin, later)).toBe(401)
  })

  test('cannot be forged or extended', async () => {
    const admin = await startAdmin({ tokenFile })
    const cookie = cookieOf(await signIn(admin, 'correct-horse'))
    const [name, value = ''] = cookie.split('=')
    const [until = '', signature = ''] = value.split('.')
    for (const forged of [
      `${Number(until) + 1}.${signature}`,
      `${until}.${signature.slice(0, -1)}`,
      `${until}.`,
      `Infinity.${signature}`,
      'correct-horse',
      '',
    ])
      expect(await statusWith(admin, `${name}=${forged}`)).toBe(401)
  })

  test('is refused in requests from another site', async () => {
    const admin = await startAdmin({ tokenFile })
    const cookie = cookieOf(await signIn(admin, 'correct-horse'))
    for (const more of [
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
      { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors' },
      { Origin: 'https://attacker.example' },
    ])
      expect(await statusWith(admin, cookie, more)).toBe(403)
  })

  test('is ended by signing out', async () => {
    const { call } = await startAdmin({ tokenFile })
    const answered = await call('/-/sign-out', { method: 'POST', headers: away })
    expect(answered.status).toBe(303)
    expect(answered.headers['set-cookie']?.[0]).toMatch(/^cors_sidecar_session=; .*Max-Age=0$/)
  })
})

describe('a refusal of the console', () => {
  test('is a page with a sign-in form if a token is set', async () => {
    const { call } = await startAdmin({ tokenFile })
    const answered = await call('/', { headers: away })
    expect(answered.status).toBe(401)
    expect(answered.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(answered.headers['content-security-policy']).toContain("form-action 'self'")
    expect(answered.body).toContain('<form method="post" action="/-/sign-in">')
    expect(answered.body).toContain('--admin-token-file')
  })

  test('is a page that says what to do if no token is set', async () => {
    const { call } = await startAdmin()
    const answered = await call('/', { headers: away })
    expect(answered.status).toBe(403)
    expect(answered.body).toContain('<!doctype html>')
    expect(answered.body).toContain('kubectl port-forward')
    expect(answered.body).not.toContain('console.example')
  })

  test('is JSON for clients that are not browsers', async () => {
    for (const options of [{}, { tokenFile }]) {
      const { call } = await startAdmin(options)
      const answered = await call('/-/rules', { headers: { ...away, Accept: 'text/html' } })
      expect(answered.headers['content-type']).toBe('application/json; charset=utf-8')
      expect(answered.json()).toEqual({ error: expect.any(String) })
    }
  })
})
