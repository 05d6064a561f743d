import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

const project = join(import.meta.dirname, '..', '..')

/** Formats that the schema names and JSON Schema does not define. */
const formats = { ports: true, expose: true, duration: true, subnet_ip_address: true } as const

const isComposeFile = new Ajv2020({ strict: false, allErrors: true, formats }).compile(
  JSON.parse(readFileSync(join(project, 'test', 'fixtures', 'compose-spec.json'), 'utf8')),
)

test.each([
  'deploy/compose.yaml',
  'deploy/guides/laptop/compose.yaml',
])('%s fits the schema of Compose, which rejects a misspelt key', (file) => {
  const content = parse(readFileSync(join(project, file), 'utf8'))
  expect(isComposeFile(content), JSON.stringify(isComposeFile.errors)).toBe(true)
  const { cap_drop, ...sidecar } = content.services.sidecar
  expect(
    isComposeFile({
      ...content,
      services: { ...content.services, sidecar: { ...sidecar, cap_dorp: cap_drop } },
    }),
  ).toBe(false)
})
