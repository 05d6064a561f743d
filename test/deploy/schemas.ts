import { z } from 'zod'

/** A Kubernetes object in YAML. */
export const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
})
export type Manifest = z.infer<typeof manifestSchema>

/** The package with the schemas of an API group; those of Kubernetes itself are in `kubernetes-models`. */
const packages: Readonly<Record<string, string>> = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'argoproj.io': '@kubernetes-models/argo-cd',
  'source.toolkit.fluxcd.io': '@kubernetes-models/flux-cd',
  'kustomize.toolkit.fluxcd.io': '@kubernetes-models/flux-cd',
}

const validating = z.custom<{ readonly prototype: { validate(): void } }>(
  (value) => typeof value === 'function',
)

/** What the schema of its kind reports about `manifest`, including unknown fields. */
export async function schemaProblems(manifest: Manifest): Promise<readonly string[]> {
  const { apiVersion, kind } = manifest
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  // The core API and groups without a domain use their short names: v1, apps/v1, policy/v1.
  const specifier = `${packages[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`
  const models: Readonly<Record<string, unknown>> = await import(specifier)
  const model = validating.parse(models[kind])
  const { watched, unread } = watch(manifest, kind)
  try {
    model.prototype.validate.call(watched)
  } catch (error) {
    return [`${kind} ${manifest.metadata.name}: ${error instanceof Error ? error.message : error}`]
  }
  return unread().map((path) => `${path}: the schema knows no such field`)
}

interface Watched {
  readonly watched: object
  /** The paths of fields that were never read. */
  readonly unread: () => readonly string[]
}

/**
 * Kubernetes' schemas ignore unknown fields, so a misspelt field would have no effect. A validator reads every
 * field that its schema knows, so unread fields are unknown.
 */
function watch(value: object, path: string): Watched {
  const read = new Set<PropertyKey>()
  const below = new Map<PropertyKey, Watched>()
  const watched = new Proxy(value, {
    get(target, key) {
      read.add(key)
      const found: unknown = Reflect.get(target, key)
      if (typeof found !== 'object' || found === null) return found
      const known = below.get(key) ?? watch(found, `${path}.${String(key)}`)
      below.set(key, known)
      return known.watched
    },
    ownKeys(target) {
      // Maps such as labels may have any names.
      for (const key of Reflect.ownKeys(target)) read.add(key)
      return Reflect.ownKeys(target)
    },
  })
  const unread = (): readonly string[] => [
    ...Object.keys(value)
      .filter((key) => !read.has(key))
      .map((key) => `${path}.${key}`),
    ...[...below.values()].flatMap((field) => field.unread()),
  ]
  return { watched, unread }
}
