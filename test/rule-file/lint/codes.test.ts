import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { codes } from '../../../src/rule-file/lint/codes.ts'

const root = new URL('../../../', import.meta.url)
const sources = globSync(['src/rule-file/**/*.ts', 'src/rules/**/*.ts', 'cmd/**/*.ts'], { cwd: root })

/** A word of a code where a finding is made: errorAt(…, 'code', …), issue('warning', 'code', …), code: 'code'. */
const made =
  /(?:errorAt\([^')]*|(?:issue|finding|refused)\([^')]*'(?:error|warning|info)',\s*|\bcode: )'([a-z0-9]+(?:-[a-z0-9]+)+)'/g

describe('a code that findings have', () => {
  const found = sources.flatMap((file) =>
    Array.from(readFileSync(new URL(file, root), 'utf8').matchAll(made), ([, code = '']) => code),
  )

  test('is found in the sources', () => {
    expect(new Set(found).size).toBeGreaterThan(60)
    expect(found).toContain('foreign-format')
  })

  test('is explained by check --explain', () => {
    expect([...new Set(found)].filter((code) => !Object.hasOwn(codes, code))).toEqual([])
  })
})
