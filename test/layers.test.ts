import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The layer of each place, most specific first. A file imports from its own folder or from a lower layer. */
const layers: readonly (readonly [string, number])[] = [
  ['src/http.ts', 0],
  ['src/cors/', 1],
  ['src/dialect/', 2],
  ['src/bucket.ts', 3],
  ['src/snapshot.ts', 4],
  ['src/plan', 5],
  ['src/explain-request.ts', 6],
  ['src/kept-request.ts', 6],
  ['src/outcome.ts', 6],
  ['src/top-groups.ts', 6],
  ['src/auth/', 6],
  ['src/settings', 6],
  ['src/version.ts', 7],
  ['src/log', 7],
  ['src/metrics', 7],
  ['src/rules/', 8],
  ['src/replay.ts', 8],
  ['src/proxy/', 9],
  ['src/bucket-cors', 10],
  ['src/candidates', 10],
  ['src/gateway.ts', 11],
  ['src/admin/', 11],
  ['src/demo/', 11],
  ['src/sidecar', 12],
  ['src/workers', 13],
  ['cmd/', 14],
]

function layerOf(file: string): number {
  const layer = layers.find(([place]) => file.startsWith(place))?.[1]
  if (layer === undefined)
    throw new Error(`${file} stands in no layer: give it one here and in CONTRIBUTING.md`)
  return layer
}

/** A folder, together with the file of the same name beside it. */
const unitOf = (file: string): string => file.replace(/\.ts$/, '').split('/').slice(0, 2).join('/')

const sources = ['src', 'cmd'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
)

/** Every module a file names: static, type-only and dynamic imports, and re-exports. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)['"]([^'"\n]+)['"]/g)
  return [...found].map((match) => match[1] ?? '')
}

describe('layers', () => {
  test.each(sources)('%s imports from its own folder or a lower layer only', (file) => {
    for (const name of importsOf(file).filter((name) => name.startsWith('.'))) {
      const target = relative(root, resolve(root, dirname(file), name))
      const sameFolder = unitOf(target) === unitOf(file)
      if (!sameFolder && !(file.startsWith('cmd/') && target.startsWith('cmd/')))
        expect(`${target} is layer ${layerOf(target)}`).toSatisfy(() => layerOf(target) < layerOf(file))
    }
  })

  test.each(
    sources.filter((file) => layerOf(file) <= 5),
  )('%s, of the core, imports no package and no node module', (file) => {
    const packages = importsOf(file).filter((name) => !name.startsWith('.'))
    expect(packages).toEqual(file === 'src/cors/parse.ts' && packages.length > 0 ? ['zod'] : [])
  })

  test.each(
    sources.filter((file) => layerOf(file) <= 5),
  )('%s, of the core, reads no clock, no chance and no process', (file) => {
    const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    expect(text).not.toMatch(
      /\b(?:Date\b|Math\.random|process\.|performance\b|setTimeout|setInterval|fetch\()/,
    )
  })

  test('process is touched in cmd/main.ts alone', () => {
    const others = sources.filter((file) => file !== 'cmd/main.ts')
    const touching = others.filter((file) =>
      /\bprocess\.(?:env|argv|exit|exitCode|on|stdout|stderr|stdin|cwd|kill)\b/.test(
        readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''),
      ),
    )
    expect(touching).toEqual([])
  })
})
