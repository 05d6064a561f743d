import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { addSchema } from '../../cmd/schema.ts'
import { runCommand } from './rule-commands.ts'

test('schema prints the JSON Schema that stands beside the example rule files', async () => {
  const { out, err, code } = await runCommand(addSchema, ['schema'])
  expect({ err, code }).toEqual({ err: '', code: 0 })
  expect(JSON.parse(out)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' })
  const beside = readFileSync(new URL('../../rules/schema/rule-file.json', import.meta.url), 'utf8')
  expect(JSON.parse(beside)).toEqual(JSON.parse(out))
})

test('--help says how an editor finds it', async () => {
  expect((await runCommand(addSchema, ['schema', '--help'])).out).toContain(
    '# yaml-language-server: $schema=',
  )
})
