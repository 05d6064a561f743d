import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { DialectName } from '../src/cors/rule.ts'
import { applyPatch, type HeaderLines } from '../src/http.ts'
import { plan } from '../src/plan/plan.ts'
import { nextSnapshot, nothingLoaded } from '../src/plan/snapshot.ts'
import { readRules } from '../src/rule-file/read.ts'
import { facts, headerMap, identity, loaded, setup } from './core.ts'

interface Row {
  readonly id: string
  readonly note?: string
  readonly dialect: DialectName
  /** In the vendor's format. */
  readonly config: readonly unknown[] | null
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
}

const rowsOf = (file: string): readonly Row[] =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}`, import.meta.url), 'utf8'))

/** The rules in the vendor's field names, read like a rule file. */
function contentOf({ dialect, config, responseVary = false }: Row) {
  const file = JSON.stringify({ CORSRules: config, dialect, vary: 'dialect', responseVary })
  const { content, findings } = readRules('bucket.json', Buffer.from(file), dialect)
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  return content
}

function answer(row: Row): { status: number; headers: HeaderLines; body: string } {
  const files = row.config === null ? [] : [loaded('bucket', contentOf(row))]
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
  if (planned.act !== 'forward') throw new Error(`not requested: ${planned.act}`)
  const upstream = Object.entries(row.upstream?.headers ?? {}).flat()
  return { status: row.upstream?.status ?? 200, headers: applyPatch(upstream, planned.patch), body: '' }
}

function check(row: Row): void {
  const got = answer(row)
  if (row.expect.status !== null) expect(got.status).toBe(row.expect.status)
  const headers = headerMap(got.headers)
  for (const [name, value] of Object.entries(row.expect.headers))
    expect({ [name]: headers.get(name.toLowerCase()) }).toEqual({
      [name]: value === null ? undefined : [String(value)],
    })
  if (row.expect.status !== null)
    for (const part of row.expect.bodyIncludes ?? []) expect(got.body).toContain(part)
}

describe('the published and recorded exchanges of the vendors', () => {
  // s3-005 needs a bucket that does not exist, which the sidecar cannot know.
  test.each(rowsOf('cors.json').filter(({ id }) => id !== 's3-005'))(
    '$id ($certainty) answers as the vendor does',
    check,
  )
})

describe('conclusions from these exchanges', () => {
  test.each(rowsOf('cors-more.json'))('$id: $note', check)
})
