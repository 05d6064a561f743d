import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { readSettings } from '../../src/settings/settings.ts'

const deploy = join(import.meta.dirname, '..', '..', 'deploy')
const read = (file: string): string => readFileSync(join(deploy, file), 'utf8')

const { services } = z
  .object({
    services: z.record(
      z.string(),
      z.looseObject({
        image: z.string().optional(),
        build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
        environment: z.record(z.string(), z.string()).default({}),
        ports: z.array(z.string()).default([]),
        volumes: z.array(z.string()).default([]),
      }),
    ),
  })
  .parse(parse(read('compose.yaml')))

test('every mounted file exists and is mounted read-only', () => {
  const mounts = Object.values(services)
    .flatMap(({ volumes }) => volumes)
    .filter((mount) => mount.startsWith('./'))
  expect(mounts).toHaveLength(6)
  for (const mount of mounts) {
    const [source = '', , mode] = mount.split(':')
    expect(existsSync(join(deploy, source)), source).toBe(true)
    expect(mode).toBe('ro')
  }
})

test('each port is on the loopback interface, and MinIO has none', () => {
  for (const { ports } of Object.values(services))
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  expect(services.minio?.ports).toEqual([])
})

test('the sidecar is built from this folder and understands its settings', () => {
  const { build, environment } = services.sidecar ?? expect.fail()
  expect(existsSync(join(deploy, build?.context ?? '', build?.dockerfile ?? ''))).toBe(true)
  const result = readSettings({ flags: {}, environment, config: undefined })
  expect(result).toMatchObject({
    kind: 'settings',
    settings: {
      upstream: { kind: 'tcp', host: 'minio', port: 9000 },
      admin: { host: '0.0.0.0', port: 9464 },
    },
  })
})

test('Prometheus scrapes the sidecar by the names that the dashboard and the alerts go by', () => {
  expect(parse(read('compose/prometheus.yaml'))).toMatchObject({
    rule_files: ['alerts.yaml'],
    scrape_configs: [
      { static_configs: [{ targets: ['sidecar:9464'], labels: { namespace: 'laptop', pod: 'sidecar' } }] },
    ],
  })
})

test('the alerts of compose equal those of the cluster', () => {
  const { spec } = z.object({ spec: z.unknown() }).parse(parse(read('monitoring/prometheusrule.yaml')))
  expect(parse(read('compose/alerts.yaml'))).toEqual(spec)
})

const promtool = process.env.PROMTOOL_PATH || 'promtool'

test.skipIf(spawnSync(promtool, ['--version']).status !== 0)(
  'promtool accepts the configuration of Prometheus',
  () => {
    const { stdout, stderr } = spawnSync(
      promtool,
      ['check', 'config', join(deploy, 'compose', 'prometheus.yaml')],
      {
        encoding: 'utf8',
      },
    )
    expect(stdout + stderr).toContain('is valid prometheus config file syntax')
  },
)
