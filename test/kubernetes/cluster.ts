import { setTimeout as wait } from 'node:timers/promises'
import type { CommandOptions } from './command.ts'
import { require } from './step.ts'

/** An image by name and digest. */
export interface Image {
  readonly name: string
  readonly digest: string
}

/** A certificate and its key, in PEM. */
export interface Pair {
  readonly key: string
  readonly certificate: string
}

/** A cluster, and how to reach it. */
export interface Cluster {
  readonly kubectl: (args: readonly string[], options?: CommandOptions) => Promise<string>
  /** For programs that run `kubectl` or `helm` themselves. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly sidecar: Image
  readonly minio: Image
  /** Creates a volume of 100 GiB where no storage class does. */
  readonly addVolume: (name: string) => Promise<void>
  /** In front of a program: runs it where `kubectl port-forward` listens. */
  readonly loopback: readonly string[]
  /** Whether pods can look up the names of Services. */
  readonly hasDns: boolean
  /** A certificate of the cluster's CA for a host name; absent where only the cluster has its key. */
  readonly certify: ((host: string) => Promise<Pair>) | undefined
  /** Runs a program in the node's network; absent when this machine is not a node. */
  readonly onNode: ((program: string, args: readonly string[]) => Promise<string>) | undefined
}

/** Waits until `kubectl get` prints the expected output; resolves with the seconds it took. */
export async function until(
  { kubectl }: Cluster,
  args: readonly string[],
  isRight: (printed: string) => boolean,
  seconds = 180,
): Promise<number> {
  const began = performance.now()
  let printed = ''
  while (performance.now() - began < seconds * 1000) {
    printed = await kubectl(args).catch((error: unknown) => String(error))
    if (isRight(printed)) return (performance.now() - began) / 1000
    await wait(500)
  }
  throw new Error(`not in ${seconds} s: kubectl ${args.join(' ')}; last: ${printed.slice(0, 300)}`)
}

/** A new namespace that enforces the restricted Pod Security Standard. */
export async function createNamespace({ kubectl }: Cluster, name: string): Promise<void> {
  await kubectl(['create', 'namespace', name])
  await kubectl(['label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted'])
}

/** The cluster address of a Service, without its port. */
export async function addressOf({ kubectl }: Cluster, namespace: string, service: string): Promise<string> {
  const address = await kubectl([
    '-n',
    namespace,
    'get',
    'service',
    service,
    '-o',
    'jsonpath={.spec.clusterIP}',
  ])
  require(address !== '' && address !== 'None', `Service ${service} has no address of its own`)
  return address
}

/** Makes the kubelets update ConfigMaps at once, with the command in deploy/README.md. */
export const annotate = ({ kubectl }: Cluster, namespace: string): Promise<string> =>
  kubectl([
    ...['-n', namespace, 'annotate', 'pods', '-l', 'cors-sidecar', '--overwrite'],
    `cors-sidecar/rules=${Date.now()}`,
  ])
