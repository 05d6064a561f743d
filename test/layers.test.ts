import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Lower bands first. A room imports lower bands freely, and from its own band only what `arrows` lists. */
const bands: readonly (readonly string[])[] = [
  ['http', 'version', 'text', 'cors', 'dialect', 'plan', 'rule-file'],
  ['children', 'settings', 'log', 'metrics', 'requests', 'auth', 'rules', 'proxy'],
  ['bucket-cors', 'compare', 'doctor', 'admin', 'demo'],
  ['sidecar', 'workers'],
  ['cmd'],
]

/** What a room may import from its own band. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  cors: ['http', 'text'],
  dialect: ['http', 'text', 'cors'],
  // `near-miss` finds the closest bucket name.
  plan: ['http', 'text', 'cors', 'dialect', 'rule-file'],
  'rule-file': ['http', 'text', 'cors', 'dialect', 'plan'],
  rules: ['children'],
  log: ['requests', 'settings'],
  metrics: ['requests', 'settings', 'rules'],
  proxy: ['settings', 'requests'],
  admin: ['bucket-cors', 'compare'],
  demo: ['admin'],
  workers: ['sidecar'],
}

/** `plan` and below make the decision, so they use no package, no node module, no clock and no randomness. */
const pureRooms = ['http', 'text', 'cors', 'dialect', 'plan']

const roomOf = (file: string): string =>
  file.startsWith('cmd/') ? 'cmd' : (file.split('/')[1] ?? '').replace(/\.ts$/, '')

function bandOf(room: string): number {
  const band = bands.findIndex((rooms) => rooms.includes(room))
  if (band < 0) throw new Error(`room ${room} stands in no band: give it one here and in CONTRIBUTING.md`)
  return band
}

const mayImport = (room: string, target: string): boolean =>
  room === target ||
  bandOf(target) < bandOf(room) ||
  (bandOf(target) === bandOf(room) && (arrows[room] ?? []).includes(target))

const sources = ['src', 'cmd'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
)

/** Every module that a file imports: static, type-only and dynamic imports, and re-exports. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)['"]([^'"\n]+)['"]/g)
  return [...found].map((match) => match[1] ?? '')
}

const targetOf = (file: string, name: string): string =>
  relative(root, resolve(root, dirname(file), name)).replace(/\.js$/, '.ts')

/** The files of one import cycle, or undefined. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    const start = path.indexOf(file)
    if (start >= 0) return [...path.slice(start), file]
    if (done.has(file)) return undefined
    for (const target of graph.get(file) ?? []) {
      const circle = visit(target, [...path, file])
      if (circle !== undefined) return circle
    }
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const circle = visit(file, [])
    if (circle !== undefined) return circle
  }
  return undefined
}

const localImports = new Map(
  sources.map((file) => [
    file,
    importsOf(file)
      .filter((name) => name.startsWith('.'))
      .map((name) => targetOf(file, name)),
  ]),
)

describe('layers', () => {
  test.each(sources)('%s imports its own room, lower bands, and the arrows of its band only', (file) => {
    for (const target of localImports.get(file) ?? [])
      expect(`${file} -> ${target}`).toSatisfy(() => mayImport(roomOf(file), roomOf(target)))
  })

  test('no files form an import cycle, not even inside a room', () => {
    expect(circleIn(localImports)).toBeUndefined()
  })

  test('an import cycle that is added on purpose is found', () => {
    const withCircle = new Map(localImports)
    withCircle.set('src/cors/pattern.ts', ['src/cors/decide.ts'])
    expect(circleIn(withCircle)).toEqual(
      expect.arrayContaining(['src/cors/pattern.ts', 'src/cors/decide.ts']),
    )
  })

  test('at most two files of src are outside a room', () => {
    expect(sources.filter((file) => /^src\/[^/]+\.ts$/.test(file)).length).toBeLessThanOrEqual(2)
  })

  const pure = sources.filter((file) => pureRooms.includes(roomOf(file)))

  test.each(pure)('%s, of the core, imports no package and no node module', (file) => {
    expect(importsOf(file).filter((name) => !name.startsWith('.'))).toEqual([])
  })

  test.each(pure)('%s, of the core, uses no clock, no random numbers and no process', (file) => {
    const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    expect(text).not.toMatch(
      /\b(?:Date\b|Math\.random|process\.|performance\b|setTimeout|setInterval|fetch\()/,
    )
  })

  test('the code that serves imports only types from node:http, see proxy/node-http.ts', () => {
    const serving = sources.filter((file) => !['cmd', 'doctor', 'demo'].includes(roomOf(file)))
    const importing = serving.filter((file) =>
      /^import (?!type )[^']* from 'node:http'/m.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(importing).toEqual([])
  })

  test('only the modules that a process starts with use the global process', () => {
    const others = sources.filter((file) => !['cmd/main.ts', 'src/children/child.ts'].includes(file))
    const touching = others.filter((file) =>
      /\bprocess\.(?:env|argv|exit|exitCode|on|stdout|stderr|stdin|cwd|kill)\b/.test(
        readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''),
      ),
    )
    expect(touching).toEqual([])
  })
})
