import { z } from 'zod'
import type { Manifest } from './schemas.ts'

/** The parts of a pod that the tests use; the schemas check the rest. */
const port = z.union([z.string(), z.number()])
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port }),
  periodSeconds: z.number().optional(),
  timeoutSeconds: z.number().optional(),
  failureThreshold: z.number().optional(),
})
const seconds = z.object({ seconds: z.number() })
const security = z.looseObject({
  runAsNonRoot: z.boolean().optional(),
  runAsUser: z.number().optional(),
  allowPrivilegeEscalation: z.boolean().optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
  capabilities: z.unknown().optional(),
  seccompProfile: z.unknown().optional(),
})
export const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string(),
  restartPolicy: z.literal('Always').optional(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  lifecycle: z
    .object({
      preStop: z.strictObject({
        sleep: seconds.optional(),
        exec: z.strictObject({ command: z.array(z.string()) }).optional(),
        httpGet: z.strictObject({ path: z.string(), port }).optional(),
      }),
    })
    .optional(),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.strictObject({ memory: z.string() }),
  }),
  securityContext: security,
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
})
export type Container = z.infer<typeof containerSchema>

const workload = z.looseObject({
  spec: z.looseObject({
    replicas: z.number().optional(),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        serviceAccountName: z.string(),
        automountServiceAccountToken: z.boolean(),
        enableServiceLinks: z.boolean(),
        terminationGracePeriodSeconds: z.number(),
        securityContext: security.optional(),
        topologySpreadConstraints: z.array(z.looseObject({ topologyKey: z.string() })).default([]),
        initContainers: z.array(containerSchema).default([]),
        containers: z.array(containerSchema),
        volumes: z.array(z.looseObject({ name: z.string() })),
      }),
    }),
  }),
})

/** The pods of a workload, which are all alike. */
export interface Pod {
  readonly labels: Readonly<Record<string, string>>
  /** `undefined`: set by an autoscaler. */
  readonly replicas: number | undefined
  readonly spec: z.infer<typeof workload>['spec']['template']['spec']
  /** In start order. */
  readonly containers: readonly Container[]
}

export const podsOf = (manifests: readonly Manifest[]): readonly Pod[] =>
  manifests
    .filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment')
    .map((manifest) => {
      const { replicas, template } = workload.parse(manifest).spec
      const { initContainers, containers } = template.spec
      return {
        labels: template.metadata.labels,
        replicas,
        spec: template.spec,
        containers: [...initContainers, ...containers],
      }
    })

export function sidecarIn(manifests: readonly Manifest[]): {
  readonly pod: Pod
  readonly sidecar: Container
} {
  const [pod, ...others] = podsOf(manifests)
  const sidecar = pod?.containers.find(({ name }) => name === 'cors-sidecar')
  if (pod === undefined || others.length > 0 || sidecar === undefined)
    throw new Error('There is not exactly one workload, with a sidecar in it.')
  return { pod, sidecar }
}

/** Its environment variables, as the program sees them. */
export const environmentOf = ({ env }: Container): Readonly<Record<string, string>> =>
  Object.fromEntries(env.map(({ name, value }) => [name, value]))
