import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readRules } from '../../src/rule-file/read.ts'
import { replace, rulesOf, storeOn, temporaryFolder } from './directory.ts'

const fileCount = 1_000
const ruleCount = 4

function manyRules(version: number): string {
  const rule = rulesOf(version).slice('rules:\n'.length)
  const others = Array.from({ length: ruleCount - 1 }, (_, index) =>
    rule.replace('id: v', `id: r${index}-`).replace('https://v', `https://r${index}-`),
  )
  return rulesOf(version) + others.join('')
}

async function manyFiles(): Promise<string> {
  const folder = await temporaryFolder()
  for (let index = 0; index < fileCount; index++)
    await writeFile(join(folder, `bucket-${index}.yaml`), manyRules(index))
  return folder
}

describe('a thousand buckets of four rules', () => {
  test('are loaded, and the one that changes is the only one that is parsed and compiled again', async () => {
    const folder = await manyFiles()
    const parsed: string[] = []
    const store = storeOn(folder, {
      async read(file, bytes, dialect) {
        parsed.push(file)
        return readRules(file, bytes, dialect)
      },
    })
    expect(await store.reload('start')).toMatchObject({ result: 'applied', successful: true })
    const before = store.current()
    expect(before.buckets.size).toBe(fileCount)
    expect([...before.buckets.values()].every(({ rules }) => rules.length === ruleCount)).toBe(true)
    expect(parsed).toHaveLength(fileCount)

    await replace(folder, 'bucket-7.yaml', manyRules(7_000))
    await store.reload('watch')
    expect(parsed.slice(fileCount)).toEqual(['bucket-7.yaml'])
    const changed = [...store.current().buckets.values()].filter(
      (policy) => policy !== before.buckets.get(policy.name),
    )
    expect(changed.map(({ name, rules }) => [name, rules[0]?.rule.maxAgeSeconds])).toEqual([
      ['bucket-7', 7_000],
    ])
  })
})
