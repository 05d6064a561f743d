import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('no code outside src/dialect compares a dialect’s name or has a table by dialect', () => {
  const asking = ['src', 'cmd'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      // Signature schemes do not depend on the dialect.
      .filter((file) => !/^src\/(?:dialect|auth)\//.test(file))
      .filter((file) => {
        const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        return /\bdialect(?:\.name)? [!=]==? '|\bswitch \(dialect|Record<DialectName|\b(?:oss|s3): (?:\{|')/.test(
          text,
        )
      }),
  )
  expect(asking).toEqual([])
})
