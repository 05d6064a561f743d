import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { readSettings } from '../../src/settings/settings.ts'

const folder = join(import.meta.dirname, '..', '..', 'deploy', 'guides', 'laptop')
const read = (file: string): string => readFileSync(join(folder, file), 'utf8')

const { services, secrets } = z
  .object({
    services: z.record(
      z.string(),
      z.looseObject({
        build: z.looseObject({ context: z.string(), dockerfile: z.string().optional() }).optional(),
        environment: z.record(z.string(), z.string()).default({}),
        ports: z.array(z.string()).default([]),
        volumes: z.array(z.string()).default([]),
      }),
    ),
    secrets: z.record(z.string(), z.object({ file: z.string() })),
  })
  .parse(parse(read('compose.yaml')))

const sidecar = services.sidecar ?? expect.fail()

test('every file that the compose file builds, mounts or reads exists', () => {
  const mounted = Object.values(services)
    .flatMap(({ volumes }) => volumes)
    .filter((mount) => mount.startsWith('./'))
    .map((mount) => mount.split(':')[0] ?? '')
  const built = Object.values(services).flatMap(({ build }) =>
    build === undefined ? [] : [join(build.context, build.dockerfile ?? '')],
  )
  expect(built).toHaveLength(2)
  for (const path of [...mounted, ...built, ...Object.values(secrets).map(({ file }) => file), 'page.mjs'])
    expect(existsSync(join(folder, path)), path).toBe(true)
})

test('each port is on the loopback interface, and MinIO has none', () => {
  for (const { ports } of Object.values(services))
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  expect(services.minio?.ports).toEqual([])
})

test('the program accepts the settings of the sidecar', () => {
  expect(readSettings({ flags: {}, environment: sidecar.environment, config: undefined })).toMatchObject({
    kind: 'settings',
    settings: {
      upstream: { kind: 'tcp', host: 'minio', port: 9000 },
      adminTokenFile: '/run/secrets/admin-token',
    },
  })
})

test('the setup creates the bucket and key that the page uses', () => {
  const page = read('page.mjs')
  const setUp = JSON.stringify(services.setup)
  for (const [name, value] of page.matchAll(/(?:BUCKET|ACCESS_KEY|SECRET_KEY): \w+ = '([^']+)'/g))
    expect(setUp, name).toContain(value)
  expect(setUp).toContain('store/photos')
  expect(setUp).toContain('user add store page-key page-secret-on-a-laptop')
  expect(page).toContain("'http://localhost:8080'")
  expect(sidecar.ports).toContain('127.0.0.1:8080:8080')
})
