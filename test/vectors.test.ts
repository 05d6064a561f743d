import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { CorsRule, DialectName } from '../src/cors/rule.ts'
import { applyPatch, type HeaderLines } from '../src/http.ts'
import { plan } from '../src/plan.ts'
import { nextSnapshot, nothingLoaded } from '../src/snapshot.ts'
import { facts, headerMap, identity, loaded, ruleFile, setup } from './core.ts'

interface VendorRule {
  readonly ID?: string
  readonly AllowedOrigin: readonly string[]
  readonly AllowedMethod: readonly CorsRule['allowedMethods'][number][]
  readonly AllowedHeader?: readonly string[]
  readonly ExposeHeader?: readonly string[]
  readonly MaxAgeSeconds?: number
}

interface Row {
  readonly id: string
  readonly dialect: DialectName
  readonly config: readonly VendorRule[] | null
  readonly responseVary?: boolean
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string | readonly string[]>>
  }
  readonly upstream?: { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  readonly expect: {
    readonly status: number | null
    readonly headers: Readonly<Record<string, string | null>>
    readonly bodyIncludes?: readonly string[]
  }
  readonly certainty: string
  readonly optional?: boolean
}

const rows: readonly Row[] = JSON.parse(
  readFileSync(new URL('./fixtures/cors.json', import.meta.url), 'utf8'),
)

const rulesOf = (row: Row): CorsRule[] =>
  (row.config ?? []).map((vendor) => ({
    ...(vendor.ID === undefined ? {} : { id: vendor.ID }),
    allowedOrigins: vendor.AllowedOrigin,
    allowedMethods: vendor.AllowedMethod,
    allowedHeaders: vendor.AllowedHeader ?? [],
    exposeHeaders: vendor.ExposeHeader ?? [],
    ...(vendor.MaxAgeSeconds === undefined ? {} : { maxAgeSeconds: vendor.MaxAgeSeconds }),
  }))

function answer(row: Row): { status: number; headers: HeaderLines; body: string } {
  const file = ruleFile({
    rules: rulesOf(row),
    dialect: row.dialect,
    vary: 'dialect',
    responseVary: row.responseVary ?? false,
  })
  const files = row.config === null ? [] : [loaded('bucket', file)]
  const snapshot = nextSnapshot(nothingLoaded, files, row.dialect, 0)
  const lines = Object.entries(row.request.headers).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => [name, one]),
  )
  const request = facts(row.request.method, row.request.path, ['Host', 'bucket.store.test', ...lines])
  const planned = plan(
    snapshot,
    { ...setup, dialect: row.dialect, hostSuffixes: ['store.test'] },
    request,
    identity,
  )
  if (planned.act === 'answer')
    return {
      ...planned.response,
      headers: [...planned.response.headers, 'Content-Length', String(planned.response.body.length)],
    }
  if (planned.act !== 'forward') throw new Error(`nobody asked for ${planned.act}`)
  const upstream = Object.entries(row.upstream?.headers ?? {}).flat()
  return { status: row.upstream?.status ?? 200, headers: applyPatch(upstream, planned.patch), body: '' }
}

describe('the published and recorded exchanges of the vendors', () => {
  test.each(
    rows.filter((row) => row.optional !== true),
  )('$id ($certainty) answers as the vendor does', (row) => {
    const got = answer(row)
    if (row.expect.status !== null) expect(got.status).toBe(row.expect.status)
    const headers = headerMap(got.headers)
    for (const [name, value] of Object.entries(row.expect.headers))
      expect({ [name]: headers.get(name.toLowerCase()) }).toEqual({
        [name]: value === null ? undefined : [String(value)],
      })
    if (row.expect.status !== null)
      for (const part of row.expect.bodyIncludes ?? []) expect(got.body).toContain(part)
  })
})
