import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { settingEntries } from '../../src/settings/table.ts'

const project = join(import.meta.dirname, '..', '..')
const readme = readFileSync(join(project, 'deploy', 'README.md'), 'utf8')

test('every alert has a line in the runbook, and every line an alert', () => {
  const rules = z
    .object({
      spec: z.object({
        groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string().optional() })) })),
      }),
    })
    .parse(parse(readFileSync(join(project, 'deploy', 'monitoring', 'prometheusrule.yaml'), 'utf8')))
  const alerts = rules.spec.groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []))
  const lines = [...readme.matchAll(/^\| (CorsSidecar\w+) \|/gm)].map(([, alert]) => alert)
  expect(lines.toSorted()).toEqual(alerts.toSorted())
})

test('the files, scripts and settings that are named exist', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')))
  for (const [, path = ''] of readme.matchAll(/((?:deploy|test)\/[\w./-]+)/g))
    expect(existsSync(join(project, path.replace(/\.$/, ''))), path).toBe(true)
  for (const [, path = ''] of readme.matchAll(/`((?:overlays|components)\/[\w./-]+)`/g))
    expect(existsSync(join(project, 'deploy', path)), path).toBe(true)
  for (const [, script = ''] of readme.matchAll(/npm run ([\w:]+)/g))
    expect(Object.keys(scripts)).toContain(script)
  const flags = settingEntries.map(
    ({ name }) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  )
  for (const [, flag = ''] of readme.matchAll(/`(--[a-z-]+)`/g))
    expect([...flags, '--server-side'], flag).toContain(flag)
})
