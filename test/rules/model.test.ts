import { mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { broken, folderWith, pointLink, replace, rulesOf, storeOn, temporaryFolder } from './directory.ts'

const yamlFiles = ['a.yaml', 'a.yml', 'b.yaml', '_default.yaml'] as const
const files = [...yamlFiles, 'b.json', 'c.xml'] as const
type File = (typeof files)[number]
/** The content of a file: a version, or something unreadable. */
type Content = number | 'broken'

type Step =
  | { readonly kind: 'write' | 'replace'; readonly file: File; readonly content: Content }
  | { readonly kind: 'delete'; readonly file: File }
  | { readonly kind: 'move'; readonly file: File; readonly to: File }
  /** The directory is a link, which now leads to another directory. */
  | { readonly kind: 'swap'; readonly contents: readonly (readonly [File, Content])[] }
  | { readonly kind: 'remove directory' | 'wait' }

/** Longer than an empty directory counts as an unmounted volume, in milliseconds. */
const longEnough = 5_000

/** A model of reloading without files, times and formats. */
function createModel() {
  let disk: Map<File, Content> | undefined = new Map()
  let live = new Map<string, number | 'none'>()
  let now = 0
  let emptySince: number | undefined
  return {
    live: () => Object.fromEntries(live),
    apply(step: Step): void {
      switch (step.kind) {
        case 'wait':
          now += longEnough
          return
        case 'remove directory':
          disk = undefined
          return
        case 'swap':
          disk = new Map(step.contents)
          return
        case 'write':
        case 'replace':
          disk?.set(step.file, step.content)
          return
        case 'delete':
          disk?.delete(step.file)
          return
        case 'move': {
          const content = disk?.get(step.file)
          if (content === undefined) return
          disk?.delete(step.file)
          disk?.set(step.to, content)
        }
      }
    },
    reload(): void {
      if (disk === undefined) return
      emptySince = disk.size > 0 ? undefined : (emptySince ?? now)
      if (emptySince !== undefined && now - emptySince < longEnough) return
      const byBucket = Map.groupBy(disk, ([file]) => file.slice(0, file.indexOf('.')))
      live = new Map(
        [...byBucket].map(([bucket, [first, ...others]]) => {
          const content = others.length === 0 ? first?.[1] : 'broken'
          return [bucket, typeof content === 'number' ? content : (live.get(bucket) ?? 'none')]
        }),
      )
    },
  }
}

function textOf(file: File, content: Content): string {
  if (content === 'broken') return broken
  const origin = `https://v${content}.example`
  if (file.endsWith('.xml'))
    return `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>${content}</MaxAgeSeconds></CORSRule></CORSConfiguration>\n`
  if (!file.endsWith('.json')) return rulesOf(content)
  const rule = { AllowedOrigins: [origin], AllowedMethods: ['GET'], MaxAgeSeconds: content }
  return `${JSON.stringify({ CORSRules: [rule] })}\n`
}

/** Applies `step` to `rules`, a link to one of the directories beside it. */
async function perform(place: string, step: Step, number: number): Promise<void> {
  const rules = join(place, 'rules')
  switch (step.kind) {
    case 'write':
      return unlessMissing(writeFile(join(rules, step.file), textOf(step.file, step.content)))
    case 'replace':
      return unlessMissing(replace(rules, step.file, textOf(step.file, step.content)))
    case 'delete':
      return unlessMissing(unlink(join(rules, step.file)))
    case 'move':
      return unlessMissing(rename(join(rules, step.file), join(rules, step.to)))
    case 'swap': {
      const texts = step.contents.map(([file, content]) => [file, textOf(file, content)] as const)
      await folderWith(join(place, `rules-${number}`), Object.fromEntries(texts))
      return pointLink(rules, `rules-${number}`)
    }
    case 'remove directory':
      return rm(rules, { force: true })
    case 'wait':
  }
}

/** What fails because a file or the directory is missing is not applied to the model either. */
async function unlessMissing(change: Promise<void>): Promise<void> {
  await change.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

const file = fc.constantFrom(...files)
const yamlFile = fc.constantFrom(...yamlFiles)
const content = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 99 }) },
  { weight: 1, arbitrary: fc.constant('broken' as const) },
)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constantFrom('write' as const, 'replace' as const), file, content }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), file }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), file: yamlFile, to: yamlFile }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('swap' as const),
        contents: fc.uniqueArray(fc.tuple(file, content), { selector: ([name]) => name }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom('remove directory' as const, 'wait' as const) }),
    },
  ),
  { maxLength: 25 },
)

test('after any sequence of changes the live rules are those of the model', {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder()
  let runs = 0
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const place = join(folder, String(runs++))
      await mkdir(join(place, 'rules-first'), { recursive: true })
      await pointLink(join(place, 'rules'), 'rules-first')
      const model = createModel()
      const store = storeOn(join(place, 'rules'))
      await store.reload('start')
      for (const [number, step] of sequence.entries()) {
        model.apply(step)
        await perform(place, step, number)
        if (step.kind === 'wait') store.clock.pass(longEnough)
        const before = store.current()
        model.reload()
        const { result, changes } = await store.reload('watch')
        expect(store.live()).toEqual(model.live())
        expect(store.current().generation - before.generation).toBe(changes.length > 0 ? 1 : 0)
        if (result === 'unchanged') expect(store.current()).toBe(before)
      }
    }),
    { numRuns: 100 },
  )
})
