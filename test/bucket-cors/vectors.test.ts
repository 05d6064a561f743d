import { afterEach, describe, expect, test } from 'vitest'
import type { DialectName } from '../../src/cors/rule.ts'
import rows from '../fixtures/api.json' with { type: 'json' }
import { startSidecar, type TestSidecar } from './sidecar.ts'

interface Row {
  readonly id: string
  readonly dialect: DialectName
  readonly state: { readonly config: readonly Readonly<Record<string, unknown>>[] | null }
  readonly request: {
    readonly method: string
    readonly path: string
    readonly body?: string
    readonly headers?: Readonly<Record<string, string>>
  }
  readonly expect: {
    readonly status: number
    readonly emptyBody?: boolean
    readonly bodyIncludes?: readonly string[]
    readonly bodyStartsWith?: string
  }
  readonly optional?: boolean
}

let sidecar: TestSidecar | undefined
afterEach(async () => {
  await sidecar?.close()
  sidecar = undefined
})

/** `api-s3-06` stores an empty origin, which the contract makes an error because it matches nothing. */
const required = (rows as readonly Row[]).filter(({ optional }) => optional !== true)

describe('recorded and documented calls', () => {
  test.each(required)('$id', async ({ dialect, state, request, expect: expected }) => {
    const files: Record<string, string> =
      state.config === null ? {} : { 'photos.json': JSON.stringify({ CORSRules: state.config }) }
    sidecar = await startSidecar({ dialect, files, setup: { hostSuffixes: ['store.test'] } })
    const { body, headers = {} } = request
    const answer = await sidecar.call(request.method, body, {
      target: request.path,
      host: 'photos.store.test',
      headers,
    })
    expect(answer.status).toBe(expected.status)
    if (expected.emptyBody === true) expect(answer.body).toBe('')
    for (const part of expected.bodyIncludes ?? []) expect(answer.body).toContain(part)
    expect(answer.body.startsWith(expected.bodyStartsWith ?? '')).toBe(true)
    expect(sidecar.failures).toEqual([])
  })
})
