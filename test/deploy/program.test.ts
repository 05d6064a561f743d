/** Compares what the manifests say about the program with the program itself. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { kubeletWrite, temporaryFolder } from '../rules/directory.ts'
import { exchange, preflight } from '../serve/exchange.ts'
import { endProgram, type Program, startProgram } from '../serve/program.ts'
import { containerSchema, environmentOf } from './pod.ts'

const deploy = join(import.meta.dirname, '..', '..', 'deploy')
const yaml = (path: string): unknown => parse(readFileSync(join(deploy, path), 'utf8'))

const podWith = (containers: 'containers' | 'initContainers') =>
  z.object({
    spec: z.object({
      template: z.object({ spec: z.object({ [containers]: z.tuple([containerSchema]) }) }),
    }),
  })
const photos = readFileSync(join(deploy, 'base', 'rules', 'photos.yaml'), 'utf8')

/** With the rules mounted as by a kubelet, and without a store. */
async function started(more: readonly string[] = []): Promise<Program> {
  const missingSocket = join(await temporaryFolder(), 'store.sock')
  const mount = await temporaryFolder()
  await kubeletWrite(mount, { 'photos.yaml': photos })
  const program = await startProgram(`unix:${missingSocket}`, mount, more)
  onTestFinished(() => endProgram(program))
  return program
}

afterEach(() => void vi.unstubAllEnvs())

test.each([
  ['components/native-sidecar/sidecar.yaml', 'initContainers'],
  ['components/plain-sidecar/sidecar.yaml', 'containers'],
  ['overlays/legacy/deployment.yaml', 'containers'],
] as const)('with the variables of %s and no store the probes pass, and SIGTERM ends it with exit code 0', async (file, key) => {
  const sidecar = podWith(key).parse(yaml(file)).spec.template.spec[key]?.[0] ?? expect.fail()
  for (const [name, value] of Object.entries(environmentOf(sidecar))) vi.stubEnv(name, value)
  const { data, admin, signal, ended } = await started()
  for (const probe of [sidecar.startupProbe, sidecar.livenessProbe, sidecar.readinessProbe])
    expect((await exchange(`${admin}${probe?.httpGet.path}`)).status).toBe(200)
  expect((await exchange(`${data}/photos/x`)).status).toBe(502)
  const asked = await exchange(`${data}/photos/x`, preflight('https://app.example.com', 'PUT'))
  expect(asked.status).toBe(200)
  expect(asked.headers).toHaveProperty('x-amz-request-id')
  signal('SIGTERM')
  expect(await ended).toEqual({ code: 0, signal: null, err: '' })
})

test('with several workers it exports every metric that the alerts use', async () => {
  const rules = z
    .object({
      spec: z.object({ groups: z.array(z.object({ rules: z.array(z.object({ expr: z.string() })) })) }),
    })
    .parse(yaml('monitoring/prometheusrule.yaml'))
  const named = rules.spec.groups
    .flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.match(/(?<![\w:])cors_sidecar_\w+/g) ?? []))
    .map((name) => name.replace(/_count$/, ''))
  expect(named).toContain('cors_sidecar_worker_restarts_total')
  const { admin } = await started(['--workers', '2'])
  const scrape = (await exchange(`${admin}/metrics`)).body.toString()
  const exported = [...scrape.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
  expect(exported).toEqual(expect.arrayContaining(named))
  // Exported as 0 from the start, or else Prometheus would see no increase at the first restart.
  expect(scrape).toContain('\ncors_sidecar_worker_restarts_total 0\n')
})
