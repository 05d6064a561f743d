import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { finished, preflight } from '../finished.ts'
import { photos, startAdmin } from './running.ts'

const folder = join(import.meta.dirname, '..', '..', 'deploy', 'monitoring')
const read = (file: string): string => readFileSync(join(folder, file), 'utf8')

const ruleSchema = z.object({
  spec: z.object({
    groups: z.array(
      z.object({
        name: z.string(),
        rules: z.array(
          z.object({
            expr: z.string(),
            alert: z.string().optional(),
            record: z.string().optional(),
            labels: z.object({ severity: z.enum(['warning', 'critical']) }).optional(),
            annotations: z.object({ summary: z.string(), description: z.string() }).optional(),
          }),
        ),
      }),
    ),
  }),
})
const alertRules = ruleSchema
  .parse(parse(read('prometheusrule.yaml')))
  .spec.groups.flatMap(({ rules }) => rules)

const panelSchema = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string().min(1),
  description: z.string().optional(),
  datasource: z.object({ uid: z.string() }).optional(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  targets: z
    .array(z.object({ expr: z.string(), refId: z.string(), datasource: z.object({ uid: z.string() }) }))
    .optional(),
})
const dashboard = z
  .object({
    uid: z.literal('cors-sidecar'),
    panels: z.array(panelSchema),
    templating: z.object({
      list: z.array(z.object({ name: z.string(), definition: z.string().optional() })),
    }),
    annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
  })
  .parse(JSON.parse(read('dashboard.json')))

const chosenSource = ['$', '{datasource}'].join('')

const expressions = [
  ...alertRules.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
  ...dashboard.annotations.list.map(({ expr }) => expr),
]

/** Every exported name with its labels. */
async function exported(): Promise<Map<string, Set<string>>> {
  const metrics = createMetrics({ version: '1' })
  metrics.finished(finished(photos, preflight('https://example.com')))
  metrics.finished(finished(photos, preflight('https://evil.example')))
  const { call } = await startAdmin({ metrics })
  const names = new Map<string, Set<string>>()
  for (const line of (await call('/metrics')).body.split('\n')) {
    const [, name, labels = ''] = /^([a-z_0-9]+)(?:\{(.*)\})? /.exec(line) ?? []
    if (name !== undefined)
      names.set(name, new Set([...labels.matchAll(/([a-z_]+)="/g)].map((match) => match[1] ?? '')))
  }
  // Only where there are workers; that it is exported there: test/deploy/program.test.ts.
  return names.set('cors_sidecar_worker_restarts_total', new Set())
}

const metricName = /(?<![\w:])(?:cors_sidecar|process|nodejs)_\w+/g

test('every metric in the dashboard and the alerts is exported', async () => {
  const names = await exported()
  const used = new Set(expressions.flatMap((expression) => expression.match(metricName) ?? []))
  expect(used.size).toBeGreaterThan(10)
  for (const name of used) expect([...names.keys()]).toContain(name)
})

test('every label in a query is one of its metric, or one that Kubernetes adds', async () => {
  const names = await exported()
  const added = ['namespace', 'pod', 'instance']
  for (const expression of expressions) {
    for (const [, name = '', selector = ''] of expression.matchAll(/(cors_sidecar_\w+)\{([^}]*)\}/g))
      for (const [, label = ''] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
        expect([...(names.get(name) ?? []), ...added]).toContain(label)
    const known = new Set([...[...names.values()].flatMap((labels) => [...labels]), ...added])
    for (const [, list = ''] of expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g))
      for (const label of list.split(',')) expect(known).toContain(label.trim())
  }
})

test('every exported metric is used in the dashboard or an alert', async () => {
  const used = expressions.join('\n')
  for (const { name } of await createMetrics({ version: '1' }).families())
    if (name.startsWith('cors_sidecar_')) expect(used).toContain(name)
})

test('every alert has a severity, a summary and a description that says what to do', () => {
  const alerts = alertRules.filter(({ alert }) => alert !== undefined)
  expect(alerts.length).toBeGreaterThanOrEqual(4)
  for (const { labels, annotations } of alerts) {
    expect(labels).toBeDefined()
    expect(annotations?.description.length).toBeGreaterThan(80)
  }
})

test('every alert has a unit test', () => {
  for (const { alert } of alertRules)
    if (alert !== undefined) expect(read('prometheusrule.test.yaml')).toContain(`alertname: ${alert}`)
})

describe('the dashboard', () => {
  test('uses the selected data source in every panel', () => {
    for (const { datasource, targets = [], type } of dashboard.panels) {
      if (type !== 'row') expect(datasource?.uid).toBe(chosenSource)
      for (const target of targets) expect(target.datasource.uid).toBe(chosenSource)
    }
  })

  test('has panels with unique ids that do not overlap', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })

  test('explains every panel', () => {
    for (const { type, description } of dashboard.panels)
      if (type !== 'row') expect(description?.length).toBeGreaterThan(5)
  })
})

test('every file of the folder is readable YAML or JSON, a text or a picture', () => {
  for (const file of readdirSync(folder))
    if (file.endsWith('.yaml')) parse(read(file))
    else if (file.endsWith('.json')) JSON.parse(read(file))
    else expect(file).toMatch(/\.(?:md|png)$/)
})

const promtool = process.env.PROMTOOL_PATH || 'promtool'
const hasPromtool = spawnSync(promtool, ['--version']).status === 0

test.runIf(process.env.CI_REQUIRE_PROMTOOL === '1')('promtool is there', () => {
  expect(hasPromtool).toBe(true)
})

describe.skipIf(!hasPromtool)('promtool', () => {
  let scratch = ''
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'cors-sidecar-promtool-'))
    const { spec } = z.object({ spec: z.unknown() }).parse(parse(read('prometheusrule.yaml')))
    writeFileSync(join(scratch, 'rules.yaml'), stringify(spec))
    copyFileSync(join(folder, 'prometheusrule.test.yaml'), join(scratch, 'test.yaml'))
  })
  afterAll(() => rmSync(scratch, { recursive: true }))

  const run = (args: readonly string[], input = ''): string =>
    execFileSync(promtool, args, { cwd: scratch, input, encoding: 'utf8', stdio: 'pipe' })

  test('accepts the alerts, and their unit tests pass', () => {
    expect(run(['check', 'rules', '--lint=all', '--lint-fatal', 'rules.yaml'])).toContain('SUCCESS')
    expect(run(['test', 'rules', 'test.yaml'])).toContain('SUCCESS')
  })

  test('finds no problem in the metrics', async () => {
    const metrics = createMetrics({ version: '1' })
    metrics.finished(finished(photos, preflight('https://example.com')))
    metrics.finished(finished(photos, {}, { status: 502, upstreamError: 'dns' }))
    const { call } = await startAdmin({ metrics })
    expect(run(['check', 'metrics'], (await call('/metrics')).body)).toBe('')
  })
})
