import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refuseOtherCallers } from '../../src/demo/local-caller.ts'

let port = 0
const server = createServer((request, response) => {
  const origins = [`http://127.0.0.1:${port}`, `http://localhost:${port}`]
  response.end(String(refuseOtherCallers(request, origins)?.status ?? 'served'))
})

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  port = address.port
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** The status of the refusal, or `served`. `PORT` in a value is replaced by the page's port. */
async function statusOf(method: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const filled = Object.entries(headers).map(([name, value]) => [name, value.replace('PORT', String(port))])
  const request = send({ host: '127.0.0.1', port, method, headers: Object.fromEntries(filled), agent: false })
  request.end()
  const [response] = await once(request, 'response')
  let body = ''
  for await (const chunk of response) body += chunk
  return body
}

const own = { host: '127.0.0.1:PORT' }

test.each([
  [
    'a person who types the address',
    'GET',
    { ...own, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
  ],
  ['the other name of this machine', 'GET', { host: 'localhost:PORT' }],
  ['a name in capitals', 'GET', { host: 'LOCALHOST:PORT' }],
  ['a link on another site', 'GET', { ...own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  ['the page itself', 'GET', { ...own, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }],
  [
    'a change by the page',
    'PUT',
    { ...own, origin: 'http://127.0.0.1:PORT', 'sec-fetch-site': 'same-origin' },
  ],
  ['curl', 'GET', own],
])('%s is served', async (_who, method, headers) => {
  expect(await statusOf(method, headers)).toBe('served')
})

test.each([
  ['a rebound name', 'GET', { host: 'evil.example:PORT' }, '421'],
  ['a name without the port', 'GET', { host: 'localhost' }, '421'],
  ['a user name in Host', 'GET', { host: 'localhost:PORT@evil.example' }, '421'],
  [
    'a script of another site',
    'GET',
    { ...own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    '403',
  ],
  [
    'a script of another port',
    'GET',
    { ...own, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
    '403',
  ],
  ['another origin', 'GET', { ...own, origin: 'https://evil.example' }, '403'],
  ['an opaque origin', 'PUT', { ...own, origin: 'null' }, '403'],
  ['a change by another origin', 'PUT', { ...own, origin: 'http://127.0.0.1:1' }, '403'],
  ['a change without an origin', 'PUT', own, '403'],
  [
    'a form on another site',
    'POST',
    { ...own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    '403',
  ],
])('%s is refused', async (_who, method, headers, status) => {
  expect(await statusOf(method, headers)).toBe(status)
})
