import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { adminEndpointsPage, endpoints } from './admin-endpoints.ts'
import { referencePages } from './pages.ts'

const project = join(import.meta.dirname, '..', '..')
const pages = await referencePages()

describe('the reference', () => {
  test.each([...pages])('%s is what npm run reference writes', (file, text) => {
    expect(existsSync(join(project, file)), 'run npm run reference').toBe(true)
    expect(readFileSync(join(project, file), 'utf8'), 'run npm run reference').toBe(text)
  })
})

describe('the page of the admin endpoints is not written', () => {
  const [first, ...others] = endpoints
  test.each([
    ['with a row whose route does not exist', [...endpoints, ['/gone', 'GET', 'everyone', '']], 'GET /gone'],
    ['with a row of another method', [['/healthz', 'POST', 'everyone', ''], ...others], 'POST /healthz'],
    ['with a row of another audience', [['/healthz', 'GET', 'restricted', ''], ...others], 'GET /healthz'],
    ['without the row of a route', others, `without a row: ${first?.[0]}`],
  ] as const)('%s', (_title, rows, named) => {
    expect(() => adminEndpointsPage(rows)).toThrow(named)
  })
})
