import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { readRules } from '../../src/rule-file/read.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { hasKustomize, manifestsOf, render } from './kustomize.ts'
import { type Container, environmentOf, podsOf, sidecarIn } from './pod.ts'
import { type Manifest, schemaProblems } from './schemas.ts'

const deploy = join(import.meta.dirname, '..', '..', 'deploy')
const kubernetesFolders = ['base', 'components', 'overlays']
const read = (path: string): string => readFileSync(path, 'utf8')
const filesBelow = (folder: string): readonly string[] =>
  readdirSync(join(deploy, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

const paths = z.array(z.string()).default([])
const kustomizationSchema = z.strictObject({
  apiVersion: z.enum(['kustomize.config.k8s.io/v1beta1', 'kustomize.config.k8s.io/v1alpha1']),
  kind: z.enum(['Kustomization', 'Component']),
  namespace: z.string().optional(),
  resources: paths,
  components: paths,
  patches: z
    .array(
      z.strictObject({
        path: z.string().optional(),
        patch: z.string().optional(),
        target: z.unknown().optional(),
      }),
    )
    .default([]),
  configMapGenerator: z
    .array(
      z.strictObject({
        name: z.string(),
        behavior: z.literal('replace').optional(),
        files: z.array(z.string()),
        options: z.looseObject({ disableNameSuffixHash: z.literal(true) }),
      }),
    )
    .default([]),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string(), digest: z.string() })).default([]),
})
const files = kubernetesFolders.flatMap(filesBelow)
const kustomizations = files
  .filter((file) => file.endsWith('kustomization.yaml'))
  .map((file) => ({ folder: dirname(file), content: kustomizationSchema.parse(parse(read(file))) }))

describe('without any kustomize', () => {
  test('each kustomization names every file of its folder, and only files that exist', () => {
    const named = kustomizations.flatMap(({ folder, content }) => [
      join(folder, 'kustomization.yaml'),
      ...[
        ...content.resources,
        ...content.patches.flatMap(({ path }) => path ?? []),
        ...content.configMapGenerator.flatMap(({ files }) => files),
      ].map((path) => join(folder, path)),
    ])
    expect(named.filter((path) => !existsSync(path))).toEqual([])
    for (const { folder, content } of kustomizations)
      for (const path of content.components)
        expect(existsSync(join(folder, path, 'kustomization.yaml')), path).toBe(true)
    // Applied by Argo CD or Flux, or run by a person.
    const byItself = /overlays\/gitops\/(?:argocd|flux)\/|\.sh$/
    expect(files.filter((file) => !named.includes(file) && !byItself.test(file))).toEqual([])
  })

  test('every object that is not a patch is valid by its schema', async () => {
    const isWhole = (file: string): boolean =>
      file.endsWith('.yaml') &&
      !file.includes('/rules/') &&
      !file.endsWith('kustomization.yaml') &&
      !kustomizations.some(({ folder, content }) =>
        content.patches.some(({ path }) => path !== undefined && join(folder, path) === file),
      )
    const problems = files.filter(isWhole).flatMap((file) => manifestsOf(read(file)).map(schemaProblems))
    expect(problems.length).toBeGreaterThan(12)
    expect((await Promise.all(problems)).flat()).toEqual([])
  })

  test('the schemas reject misspelt, mistyped and missing fields', async () => {
    const [service] = manifestsOf(read(join(deploy, 'overlays', 'legacy', 'service.yaml')))
    if (service === undefined) throw new Error('no service')
    const problems = (spec: object): Promise<readonly string[]> => schemaProblems({ ...service, spec })
    expect(await problems({ ports: [{ port: 80, targetport: 'data' }] })).toEqual([
      'Service.spec.ports.0.targetport: the schema knows no such field',
    ])
    expect(await problems({ ports: [{ port: 'data' }] })).toHaveLength(1)
    expect(await problems({ ports: [{ name: 'data' }] })).toHaveLength(1)
  })

  test('no kustomization reaches outside the folder that is copied', () => {
    for (const { folder, content } of kustomizations)
      for (const path of [...content.resources, ...content.components])
        expect(relative(deploy, join(folder, path))).not.toMatch(/^\.\./)
  })

  test('the rule files of the overlays pass check with their tests', () => {
    const rules = files.filter((file) => file.includes('/rules/'))
    expect(rules).toHaveLength(5)
    for (const file of rules) {
      const { content, findings } = readRules(file, readFileSync(file), 's3')
      expect(findings).toEqual([])
      expect(content?.tests.length).toBeGreaterThan(0)
    }
  })
})

test.runIf(process.env.CI_REQUIRE_KUSTOMIZE === '1')('kustomize is there', () => {
  expect(hasKustomize).toBe(true)
})

const overlays = [
  'overlays/minio',
  'overlays/minio-distributed',
  'overlays/legacy',
  'overlays/gitops',
  'overlays/gitops/git-sync',
  'overlays/gitops/sharded',
] as const
type Copied = `${(typeof overlays)[number]}-mine`
type Overlay = (typeof overlays)[number] | Copied | 'plain'
const beside = overlays.filter((overlay) => overlay !== 'overlays/legacy')
/** Overlays whose rule files come from elsewhere. */
const without = ['overlays/gitops/git-sync', 'overlays/gitops/sharded']
const originOf = (overlay: Overlay): string => overlay.replace(/-mine$/, '')

describe.skipIf(!hasKustomize)('rendered by kustomize', () => {
  const rendered = new Map<Overlay, readonly Manifest[]>()
  const of = (overlay: Overlay): readonly Manifest[] => rendered.get(overlay) ?? []
  const all = (): readonly (readonly [Overlay, readonly Manifest[]])[] => [...rendered]
  const kind = (overlay: Overlay, kind: string): readonly Manifest[] =>
    of(overlay).filter((manifest) => manifest.kind === kind)
  let copy = ''

  beforeAll(() => {
    for (const overlay of overlays) rendered.set(overlay, render(join(deploy, overlay)))
    copy = mkdtempSync(join(tmpdir(), 'kustomize-'))
    for (const folder of [...kubernetesFolders, 'monitoring'])
      cpSync(join(deploy, folder), join(copy, folder), { recursive: true })
    edit('overlays/minio', (text) =>
      text.replace('- ../../components/native-sidecar', '- ../../components/plain-sidecar'),
    )
    rendered.set('plain', render(join(copy, 'overlays', 'minio')))
    for (const overlay of overlays) rendered.set(`${overlay}-mine`, render(takeOver(overlay)))
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  /** What a platform engineer does: copies one folder and changes only its images and bucket names. */
  const takeOver = (overlay: (typeof overlays)[number]): string => {
    const mine = `${overlay}-mine`
    cpSync(join(deploy, overlay), join(copy, mine), { recursive: true })
    if (!without.includes(overlay))
      renameSync(join(copy, mine, 'rules/photos.yaml'), join(copy, mine, 'rules/pictures.yaml'))
    edit(mine, (text) =>
      text
        .replace('rules/photos.yaml', 'rules/pictures.yaml')
        .replaceAll(/sha256:0+/g, `sha256:${'a1'.repeat(32)}`)
        .replaceAll(/newName: .*\/([\w-]+)$/gm, 'newName: registry.corp.test/$1'),
    )
    return join(copy, mine)
  }

  const edit = (overlay: string, change: (text: string) => string): void => {
    const file = join(copy, overlay, 'kustomization.yaml')
    const before = read(file)
    const after = change(before)
    expect(after).not.toBe(before)
    writeFileSync(file, after)
  }

  test('every object is right by its schema', async () => {
    const problems = all().flatMap(([, manifests]) => manifests.map(schemaProblems))
    expect((await Promise.all(problems)).flat()).toEqual([])
  })

  test('every object is in the namespace, and none is twice', () => {
    for (const [overlay, manifests] of all()) {
      expect(new Set(manifests.map(({ metadata }) => metadata.namespace)), overlay).toEqual(
        new Set(['object-store']),
      )
      const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
      expect(new Set(names).size, overlay).toBe(names.length)
    }
  })

  test('pods fit the restricted Pod Security Standard, with read-only roots and without a token', () => {
    for (const [overlay, manifests] of all())
      for (const { spec, containers } of podsOf(manifests)) {
        expect(spec.automountServiceAccountToken, overlay).toBe(false)
        expect(spec.serviceAccountName).toBe('cors-sidecar')
        expect(spec.enableServiceLinks).toBe(false)
        for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) expect(spec[name]).toBeUndefined()
        for (const { name, securityContext: own } of containers) {
          const context = { ...spec.securityContext, ...own }
          expect(context, `${overlay} ${name}`).toMatchObject({
            runAsNonRoot: true,
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
          })
          expect(context.runAsUser).toBeGreaterThan(0)
          expect(own.privileged).toBeUndefined()
        }
      }
    const token = kind('overlays/minio', 'ServiceAccount').map(
      (account) => account.automountServiceAccountToken,
    )
    expect(token).toEqual([false])
  })

  test('the sidecar runs as 65532, in the variant its place asks for', () => {
    for (const [overlay, manifests] of all()) {
      const { pod, sidecar } = sidecarIn(manifests)
      expect(sidecar.securityContext.runAsUser).toBe(65532)
      const isNative = overlay !== 'plain' && originOf(overlay) !== 'overlays/legacy'
      expect(sidecar.restartPolicy, overlay).toBe(isNative ? 'Always' : undefined)
      expect(pod.spec.initContainers.includes(sidecar), overlay).toBe(isNative)
    }
  })

  test('the three variants run the same container, except for its order and the address of the store', () => {
    const bare = ({ restartPolicy: _, lifecycle: __, image: ___, env, ...rest }: Container): unknown => ({
      ...rest,
      env: env
        .filter(({ name }) => name !== 'CORS_SIDECAR_UPSTREAM')
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    })
    const native = bare(sidecarIn(of('overlays/minio')).sidecar)
    expect(bare(sidecarIn(of('plain')).sidecar)).toEqual(native)
    expect(bare(sidecarIn(of('overlays/legacy')).sidecar)).toEqual(native)
  })

  test('the probes ask the admin port by name and never the store', () => {
    for (const [overlay, manifests] of all()) {
      const { startupProbe, livenessProbe, readinessProbe, ports } = sidecarIn(manifests).sidecar
      expect(startupProbe?.httpGet, overlay).toEqual({ path: '/healthz', port: 'admin' })
      expect(livenessProbe?.httpGet).toEqual({ path: '/healthz', port: 'admin' })
      expect(readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'admin' })
      expect(ports).toEqual([
        { name: 'data', containerPort: 8080 },
        { name: 'admin', containerPort: 9464 },
      ])
    }
  })

  test('preStop and drain together fit into the grace period', () => {
    for (const [overlay, manifests] of all()) {
      const { pod, sidecar } = sidecarIn(manifests)
      const { drainTimeout } = settingsOf(sidecar)
      const { sleep, exec } = sidecar.lifecycle?.preStop ?? {}
      const seconds = sleep?.seconds ?? Number(/, (\d+)\)"?$/.exec(exec?.command.at(-1) ?? '')?.[1]) / 1000
      expect(seconds, overlay).toBe(5)
      // The rest of the grace period is for the store.
      expect(seconds + drainTimeout / 1000 + 5).toBeLessThan(pod.spec.terminationGracePeriodSeconds)
    }
  })

  test('beside MinIO the sidecar drains first, and MinIO stops after that', () => {
    const program = (manifests: readonly Manifest[]) =>
      sidecarIn(manifests).sidecar.lifecycle?.preStop.exec?.command
    for (const [overlay, manifests] of all()) {
      const { pod, sidecar } = sidecarIn(manifests)
      const minio = pod.containers.find(({ name }) => name === 'minio')
      if (minio === undefined) continue
      const port = sidecar.ports.find(({ name }) => name === 'admin')?.containerPort
      expect(minio.lifecycle?.preStop, overlay).toEqual({ httpGet: { path: '/drained', port } })
      expect(program(manifests)?.slice(0, 2), overlay).toEqual(['node', '-e'])
    }
    // A native sidecar gets its SIGTERM only after MinIO has ended, so it sends itself one. A plain sidecar gets it
    // at once.
    expect(program(of('overlays/minio'))?.at(-1)).toBe('setTimeout(() => process.kill(1), 5000)')
    expect(program(of('plain'))?.at(-1)).toBe('setTimeout(() => {}, 5000)')
  })

  test('the program accepts the settings of the manifest', () => {
    for (const [overlay, manifests] of all()) {
      const { sidecar } = sidecarIn(manifests)
      const settings = settingsOf(sidecar)
      const port = (name: string) => sidecar.ports.find((port) => port.name === name)?.containerPort
      expect(settings.listen, overlay).toEqual({ host: '0.0.0.0', port: port('data') })
      expect(settings.admin).toEqual({ host: '0.0.0.0', port: port('admin') })
      const mount = sidecar.volumeMounts.find(({ name }) => name === 'cors-sidecar-rules')
      expect(settings.rules.startsWith(mount?.mountPath ?? '-')).toBe(true)
      expect(settings.dialect).toBe('s3')
    }
    const { upstream } = settingsOf(sidecarIn(of('overlays/legacy')).sidecar)
    expect(upstream).toMatchObject({ kind: 'tcp', secure: true, host: 'store.example.internal', port: 9000 })
  })

  test('the heap limit is lower than the memory limit of the container', () => {
    for (const [, manifests] of all()) {
      const { sidecar } = sidecarIn(manifests)
      const heap = /^--max-old-space-size=(\d+)$/.exec(environmentOf(sidecar).NODE_OPTIONS ?? '')?.[1]
      const limit = /^(\d+)Mi$/.exec(sidecar.resources.limits.memory)?.[1]
      expect(Number(heap)).toBeLessThanOrEqual(Number(limit) * 0.75)
    }
  })

  test('nothing is mounted by subPath, and the rules are a directory that the kubelet swaps', () => {
    for (const [overlay, manifests] of all()) {
      expect(JSON.stringify(manifests), overlay).not.toContain('subPath')
      const { pod, sidecar } = sidecarIn(manifests)
      const volume = pod.spec.volumes.find(({ name }) => name === 'cors-sidecar-rules')
      expect(sidecar.volumeMounts).toContainEqual({
        name: 'cors-sidecar-rules',
        mountPath: '/etc/cors-sidecar/rules',
        readOnly: true,
      })
      const origin = originOf(overlay)
      if (origin === 'overlays/gitops/git-sync') expect(volume?.emptyDir).toBeDefined()
      else if (origin === 'overlays/gitops/sharded')
        expect(volume?.projected).toEqual({
          sources: [0, 1, 2, 3, 4, 5, 6, 7].map((shard) => ({
            configMap: { name: `cors-sidecar-rules-${shard}` },
          })),
        })
      else expect(volume?.configMap).toEqual({ name: 'cors-sidecar-rules' })
      // The ConfigMap keeps its name, so that a change causes a reload and not a rollout. No ConfigMap where none
      // is mounted.
      const names = kind(overlay, 'ConfigMap').map(({ metadata }) => metadata.name)
      expect(names.includes('cors-sidecar-rules'), overlay).toBe(!without.includes(origin))
    }
  })

  test('each overlay that names the plain variant stays right with it', async () => {
    const line = /^( *)# Before Kubernetes 1\.32: (\S+)\n *- (\S+)$/m
    const naming = overlays.filter((overlay) => line.test(read(join(deploy, overlay, 'kustomization.yaml'))))
    expect(naming).toEqual(beside.filter((overlay) => overlay !== 'overlays/gitops/git-sync'))
    for (const overlay of naming) {
      const folder = join(copy, `${overlay}-mine`)
      edit(`${overlay}-mine`, (text) => text.replace(line, '$1- $2'))
      const manifests = render(folder)
      const { pod, sidecar } = sidecarIn(manifests)
      expect(pod.spec.containers).toContain(sidecar)
      expect(pod.spec.initContainers).toEqual([])
      expect((await Promise.all(manifests.map(schemaProblems))).flat()).toEqual([])
    }
  })

  test('every image is named by a digest, which is a placeholder', () => {
    for (const [overlay, manifests] of all())
      for (const { image } of podsOf(manifests).flatMap(({ containers }) => containers))
        expect(image, overlay).toMatch(
          overlay.endsWith('-mine')
            ? /^registry\.corp\.test\/[a-z-]+@sha256:(?:a1){32}$/
            : /^[a-z0-9./-]+@sha256:0{64}$/,
        )
  })

  test.each(overlays)('a copy of %s with other images and another bucket needs nothing else', (overlay) => {
    const keys = kind(`${overlay}-mine`, 'ConfigMap')
      .filter(({ metadata }) => metadata.name === 'cors-sidecar-rules')
      .flatMap(({ data }) => Object.keys(data ?? {}))
    expect(keys).toEqual(without.includes(overlay) ? [] : ['pictures.yaml'])
    const objects = (of: readonly Manifest[]) => of.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(objects(of(`${overlay}-mine`))).toEqual(objects(of(overlay)))
  })

  test('Services find their ports by name, and that of the store is the sidecar’s', () => {
    const service = z.object({
      spec: z.object({
        selector: z.record(z.string(), z.string()),
        ports: z.array(z.object({ name: z.string(), port: z.number(), targetPort: z.string() })),
      }),
    })
    for (const [overlay, manifests] of all()) {
      const { pod, sidecar } = sidecarIn(manifests)
      const names = pod.containers.flatMap(({ ports }) => ports.map(({ name }) => name))
      expect(new Set(names).size, overlay).toBe(names.length)
      for (const manifest of kind(overlay, 'Service')) {
        const { selector, ports } = service.parse(manifest).spec
        expect(pod.labels).toMatchObject(selector)
        for (const { targetPort } of ports) expect(names).toContain(targetPort)
        if (manifest.metadata.name === 'minio-peers') continue
        const owner = ports.map(({ targetPort }) => sidecar.ports.some(({ name }) => name === targetPort))
        expect(owner).toEqual([true])
        expect(ports[0]?.targetPort).toBe('data')
      }
    }
  })

  test('only the data port is open to all; MinIO’s port is open to its nodes, the admin port to Prometheus', () => {
    const policy = z.object({
      spec: z.object({
        podSelector: z.unknown(),
        policyTypes: z.tuple([z.literal('Ingress')]),
        ingress: z.array(
          z.object({ from: z.unknown().optional(), ports: z.array(z.object({ port: z.number() })) }),
        ),
      }),
    })
    for (const [overlay] of all()) {
      const rules = kind(overlay, 'NetworkPolicy').flatMap((manifest) => policy.parse(manifest).spec.ingress)
      const portsOf = (matches: (from: unknown) => boolean): readonly number[] =>
        rules.filter(({ from }) => matches(from)).flatMap(({ ports }) => ports.map(({ port }) => port))
      expect(new Set(portsOf((from) => from === undefined)), overlay).toEqual(new Set([8080]))
      expect(portsOf((from) => JSON.stringify(from)?.includes('monitoring') === true)).toEqual([9464])
      const peers = portsOf((from) => JSON.stringify(from)?.includes('minio') === true)
      expect(peers).toEqual(originOf(overlay) === 'overlays/legacy' ? [] : [9000])
    }
  })

  test('each policy over MinIO leaves the way through the sidecar open by itself', () => {
    for (const overlay of beside)
      for (const manifest of kind(overlay, 'NetworkPolicy'))
        expect(manifest.spec, `${overlay} ${manifest.metadata.name}`).toMatchObject({
          ingress: [{ ports: [{ protocol: 'TCP', port: 8080 }] }, { from: [expect.anything()] }],
        })
  })

  test('MinIO allows no page itself, and has the settings of the test with a real MinIO', () => {
    const store = sidecarIn(of('overlays/minio')).pod.containers.find(({ name }) => name === 'minio')
    expect(store && environmentOf(store).MINIO_API_CORS_ALLOW_ORIGIN).toBe('http://cors.invalid')
    expect(read(join(import.meta.dirname, '..', 'minio', 'minio.spec.ts'))).toContain(
      "MINIO_API_CORS_ALLOW_ORIGIN: 'http://cors.invalid'",
    )
  })

  test('on four nodes each has a sidecar, no two share a host, and one at a time may leave', () => {
    const { pod } = sidecarIn(of('overlays/minio-distributed'))
    expect(pod.replicas).toBe(4)
    expect(pod.spec.topologySpreadConstraints.map(({ topologyKey }) => topologyKey)).toEqual([
      'kubernetes.io/hostname',
    ])
    expect(pod.containers.find(({ name }) => name === 'minio')?.args).toContain(
      'http://minio-{0...3}.minio-peers:9000/data',
    )
    expect(kind('overlays/minio-distributed', 'PodDisruptionBudget')).toHaveLength(1)
  })

  test('without MinIO three replicas are spread over nodes, have a disruption budget and are scaled', () => {
    const { pod } = sidecarIn(of('overlays/legacy'))
    // Set by the autoscaler: an apply with a number would reset it.
    expect(pod.replicas).toBeUndefined()
    expect(pod.spec.topologySpreadConstraints.map(({ topologyKey }) => topologyKey)).toEqual([
      'kubernetes.io/hostname',
      'topology.kubernetes.io/zone',
    ])
    const [budget] = kind('overlays/legacy', 'PodDisruptionBudget')
    expect(budget?.spec).toMatchObject({
      maxUnavailable: 1,
      selector: { matchLabels: { 'app.kubernetes.io/name': 'cors-sidecar' } },
    })
    const [scaler] = kind('overlays/legacy', 'HorizontalPodAutoscaler')
    expect(scaler?.spec).toMatchObject({
      minReplicas: 3,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cors-sidecar' },
    })
  })

  test('monitoring finds the pods and their port, and brings alerts and the dashboard', () => {
    const { pod, sidecar } = sidecarIn(of('overlays/gitops'))
    const [monitor] = kind('overlays/gitops', 'PodMonitor')
    expect(monitor?.spec).toMatchObject({
      selector: { matchExpressions: [{ key: 'cors-sidecar', operator: 'Exists' }] },
      podMetricsEndpoints: [{ port: 'admin' }],
    })
    expect(pod.labels).toHaveProperty('cors-sidecar')
    expect(sidecar.ports.map(({ name }) => name)).toContain('admin')
    expect(kind('overlays/gitops', 'PrometheusRule')).toHaveLength(1)
    const dashboards = kind('overlays/gitops', 'ConfigMap').filter(
      ({ metadata }) => metadata.labels?.grafana_dashboard === '1',
    )
    expect(dashboards).toHaveLength(1)
  })

  test('every selector matches its pods', () => {
    const labels = z.record(z.string(), z.string())
    const selecting = z.object({ spec: z.object({ selector: z.object({ matchLabels: labels }) }) })
    for (const [overlay, manifests] of all()) {
      const { pod } = sidecarIn(manifests)
      const ofKind = (...kinds: readonly string[]) => manifests.filter(({ kind }) => kinds.includes(kind))
      for (const manifest of ofKind('Deployment', 'StatefulSet', 'PodDisruptionBudget'))
        expect(pod.labels, overlay).toMatchObject(selecting.parse(manifest).spec.selector.matchLabels)
      for (const { labelSelector } of pod.spec.topologySpreadConstraints)
        expect(pod.labels).toMatchObject(z.object({ matchLabels: labels }).parse(labelSelector).matchLabels)
    }
  })

  test('pods mount what the restricted standard lets them, and no port of the host', () => {
    const allowed = ['configMap', 'emptyDir', 'projected']
    for (const [overlay, manifests] of all())
      for (const { spec, containers } of podsOf(manifests)) {
        for (const { name, ...source } of spec.volumes)
          expect(allowed, `${overlay} ${name}`).toEqual(expect.arrayContaining(Object.keys(source)))
        for (const { ports } of containers)
          for (const port of ports) expect(port).not.toHaveProperty('hostPort')
      }
  })

  test('git-sync has fetched the rules before the sidecar starts', () => {
    const { pod, sidecar } = sidecarIn(of('overlays/gitops/git-sync'))
    const [first, second] = pod.spec.initContainers
    expect([first?.name, second?.name]).toEqual(['git-sync', 'cors-sidecar'])
    expect(first?.restartPolicy).toBe('Always')
    expect(first?.startupProbe?.httpGet.port).toBe('git-sync')
    const git = first === undefined ? {} : environmentOf(first)
    const mount = first?.volumeMounts.find(({ name }) => name === 'cors-sidecar-rules')
    expect(mount?.mountPath).toBe(git.GITSYNC_ROOT)
    expect(settingsOf(sidecar).rules).toBe(`/etc/cors-sidecar/rules/${git.GITSYNC_LINK}/rules`)
    // Otherwise the first failing fetch ends git-sync, and the pod becomes unready.
    expect(git.GITSYNC_MAX_FAILURES).toBe('-1')
  })
})

function settingsOf(sidecar: Container) {
  const { NODE_OPTIONS: _, ...environment } = environmentOf(sidecar)
  const result = readSettings({ flags: {}, environment, config: undefined })
  if (result.kind === 'issues') throw new Error(result.issues.join('\n'))
  return result.settings
}
