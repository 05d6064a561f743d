import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { settingEntries } from '../../src/settings/table.ts'
import { hasHelm, helm } from './helm.ts'
import { hasKustomize, manifestsOf, render } from './kustomize.ts'
import { environmentOf, sidecarIn } from './pod.ts'
import { type Manifest, schemaProblems } from './schemas.ts'

const deploy = join(import.meta.dirname, '..', '..', 'deploy')
const chart = join(deploy, 'chart')
const legacy = join(deploy, 'overlays', 'legacy')
const read = (path: string): string => readFileSync(path, 'utf8')

test.runIf(process.env.CI_REQUIRE_HELM === '1')('helm is there', () => {
  expect(hasHelm).toBe(true)
})

const values: Readonly<Record<string, unknown>> = parse(read(join(chart, 'values.yaml')))
const schema: Readonly<Record<string, unknown>> = JSON.parse(read(join(chart, 'values.schema.json')))
const digest = `sha256:${'a1'.repeat(32)}`

/** Plausible values that must not reach a cluster. */
const refused: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['a name that the chart does not know', { upstrem: 'https://store.test' }],
  ['a tag in the place of a digest', { image: { repository: 'registry.test/x', digest: 'v1' } }],
  ['a store without a scheme', { upstream: 'store.test:9000' }],
  ['a store with a path', { upstream: 'https://store.test/s3' }],
  ['a store with a password', { upstream: 'https://key:secret@store.test' }],
  ['a dialect that there is not', { dialect: 'gcs' }],
  ['a setting that there is not', { settings: { UNCONFIGURD: 'forward' } }],
  ['a setting that the chart sets', { settings: { ADMIN: '127.0.0.1:9464' } }],
  ['a setting that is no text', { settings: { WORKERS: 2 } }],
  ['rules that are no text', { rules: { photos: { rules: [] } } }],
  ['a bucket that can be no file', { rules: { '../photos': 'rules: []' } }],
  ['rules in two places', { rulesConfigMap: 'mine', rules: { photos: 'rules: []' } }],
  ['one replica', { replicas: { min: 1, max: 3 } }],
  ['no memory limit', { resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: null } } }],
  ['a container of another kind', { pod: { hostNetwork: true } }],
]

describe('the schema of the values', () => {
  const validate = new Ajv({ strict: true, strictTypes: false, strictRequired: false }).compile(schema)

  test('accepts the default values and those of typical installations', () => {
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...values, rulesConfigMap: 'mine', settings: { WORKERS: '2' } })).toBe(true)
    expect(validate({ ...values, rules: { 'my.bucket': 'rules: []' } })).toBe(true)
  })

  test.each(refused)('refuses %s', (_, changed) => {
    expect(validate({ ...values, ...changed })).toBe(false)
  })

  test('has only settings that the program has', () => {
    const { properties } = z
      .object({
        properties: z.object({
          dialect: z.object({ enum: z.array(z.string()) }),
          settings: z.object({ propertyNames: z.object({ enum: z.array(z.string()) }) }),
        }),
      })
      .parse(schema)
    const known = settingEntries.map(({ name }) => name.replaceAll(/[A-Z]/g, '_$&').toUpperCase())
    expect(known).toEqual(expect.arrayContaining(properties.settings.propertyNames.enum))
    expect(properties.dialect.enum.toSorted()).toEqual(['cos', 'oss', 's3'])
  })
})

describe.skipIf(!hasHelm)('rendered by helm', () => {
  const run = (args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(helm, [...args], { encoding: 'utf8' })
    return { status, stdout, stderr }
  }
  const template = (args: readonly string[], release = 'cors-sidecar') =>
    run(['template', release, chart, '--namespace', 'object-store', '--kube-version', '1.32.0', ...args])
  const rendered = (args: readonly string[], release?: string): readonly Manifest[] => {
    const { status, stdout, stderr } = template(args, release)
    expect([status, stderr]).toEqual([0, ''])
    return manifestsOf(stdout)
  }
  const photos = ['--set-file', `rules.photos=${join(legacy, 'rules', 'photos.yaml')}`]
  let mine: readonly Manifest[] = []
  beforeAll(() => {
    mine = rendered(
      [...photos, '--set', `image.digest=${digest}`, '--set-string', 'settings.WORKERS=2'],
      'second',
    )
  })

  test('helm lint finds nothing', () => {
    const { status, stdout } = run(['lint', '--strict', chart])
    expect([status, stdout]).toEqual([0, expect.not.stringMatching(/WARNING|ERROR/)])
  })

  test('every object is valid by its schema', async () => {
    const problems = [...rendered(photos), ...mine].map(schemaProblems)
    expect(problems).toHaveLength(14)
    expect((await Promise.all(problems)).flat()).toEqual([])
  })

  test.skipIf(!hasKustomize)(
    'the objects equal those of overlays/legacy, except for the labels that helm adds',
    () => {
      const own = ['app.kubernetes.io/instance', 'app.kubernetes.io/managed-by']
      const bare = (manifests: readonly Manifest[]): readonly unknown[] =>
        manifests
          .map(({ metadata: { namespace: _, ...metadata }, ...rest }) => ({ ...rest, metadata }))
          .map((manifest) =>
            JSON.parse(JSON.stringify(manifest), (key, value: unknown) =>
              own.includes(key) ? undefined : value,
            ),
          )
          .toSorted((one, other) => (one.kind < other.kind ? -1 : 1))
      const overlay = render(legacy).map((manifest) =>
        // The component selects every pod with a sidecar, the chart only the pods of its release.
        manifest.kind === 'NetworkPolicy'
          ? {
              ...manifest,
              spec: {
                ...z.looseObject({}).parse(manifest.spec),
                podSelector: { matchLabels: { 'app.kubernetes.io/name': 'cors-sidecar' } },
              },
            }
          : manifest,
      )
      expect(bare(rendered(photos))).toEqual(bare(overlay))
    },
  )

  test('two releases in one namespace share no object and no pod', () => {
    const names = (manifests: readonly Manifest[]) =>
      manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    const both = [...names(rendered(photos)), ...names(mine)]
    expect(new Set(both).size).toBe(both.length)
    expect(sidecarIn(mine).pod.labels['app.kubernetes.io/instance']).toBe('second')
    for (const { spec } of mine.filter(({ kind }) => kind === 'Service' || kind === 'PodDisruptionBudget'))
      expect(JSON.stringify(spec)).toContain('"app.kubernetes.io/instance":"second"')
  })

  test('image and settings arrive in the pod, the rule files as they are in the ConfigMap', () => {
    const { sidecar } = sidecarIn(mine)
    expect(sidecar.image).toBe(`registry.example.com/cors-sidecar@${digest}`)
    expect(environmentOf(sidecar)).toMatchObject({ CORS_SIDECAR_WORKERS: '2', CORS_SIDECAR_DIALECT: 's3' })
    expect(mine.find(({ kind }) => kind === 'ConfigMap')?.data).toEqual({
      'photos.yaml': read(join(legacy, 'rules', 'photos.yaml')),
    })
  })

  test('the autoscaler knows how many cores a pod can use', () => {
    const target = (manifests: readonly Manifest[]): string =>
      JSON.stringify(manifests.find(({ kind }) => kind === 'HorizontalPodAutoscaler')?.spec)
    expect(target(rendered(photos))).toContain('"averageValue":"500m"')
    expect(target(mine)).toContain('"averageValue":"1000m"')
  })

  test('an existing ConfigMap is mounted, and none is created', () => {
    const manifests = rendered(['--set', 'rulesConfigMap=mine'])
    expect(manifests.some(({ kind }) => kind === 'ConfigMap')).toBe(false)
    expect(sidecarIn(manifests).pod.spec.volumes).toEqual([
      { name: 'cors-sidecar-rules', configMap: { name: 'mine' } },
    ])
  })

  test.each(refused)('rendering fails for %s', (_, changed) => {
    const args = Object.entries(changed).flatMap(([name, value]) => [
      '--set-json',
      `${name}=${JSON.stringify(value)}`,
    ])
    const { status, stdout, stderr } = template(args)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain("don't meet the specifications of the schema")
  })

  test('a minimum of replicas above the maximum is an error', () => {
    expect(template(['--set', 'replicas.min=5,replicas.max=4'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('replicas.min is more than replicas.max'),
    })
  })
})
