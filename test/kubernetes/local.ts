import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Cleanup } from './cleanup.ts'
import type { Cluster, Image } from './cluster.ts'
import { command } from './command.ts'
import { project, readmeBlock } from './readme.ts'
import { NotTested, require } from './step.ts'

const scripts = join(import.meta.dirname, 'local')
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cors-sidecar')
/** Where `.ci/run` keeps its builds. */
export const kubernetesPrograms = join(cache, 'kube', 'bin')
const cachedPrograms = join(cache, 'bin')

const sidecarImage = 'registry.example.com/cors-sidecar'
const minioImage = 'quay.io/minio/minio'
/** The program that shows each Debian package to be installed, and the package. */
const needed: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  runc: 'runc',
  containerd: 'containerd',
  etcd: 'etcd-server',
  iptables: 'iptables',
  ipset: 'ipset',
  conntrack: 'conntrack',
  debootstrap: 'debootstrap',
  openssl: 'openssl',
  ip: 'iproute2',
  nsenter: 'util-linux',
  curl: 'curl',
  pkill: 'procps',
}

/** Throws {@link NotTested} with everything that this machine lacks for a local cluster. */
export function requireLocal(): void {
  if (process.platform !== 'linux') throw new NotTested('--local needs Linux')
  if (process.getuid?.() !== 0) throw new NotTested('--local needs root')
  const path = pathOf()
  const isThere = (program: string): boolean =>
    path.split(delimiter).some((folder) => existsSync(join(folder, program)))
  const packages = Object.entries(needed).flatMap(([program, name]) => (isThere(program) ? [] : [name]))
  if (!existsSync('/usr/lib/cni/bridge')) packages.push('containernetworking-plugins')
  if (packages.length > 0) throw new NotTested(`--local needs: apt-get install ${packages.join(' ')}`)
  if (!existsSync(join(kubernetesPrograms, 'kube')))
    throw new NotTested(`--local needs: test/kubernetes/local/build-kubernetes.sh ${kubernetesPrograms}`)
  if (!isThere('minio')) throw new NotTested('--local needs a minio on the PATH')
  const bridged = spawnSync('sysctl', ['-n', 'net.bridge.bridge-nf-call-iptables'])
  if (bridged.status !== 0) throw new NotTested('--local needs the kernel module br_netfilter')
}

const pathOf = (): string => [cachedPrograms, process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter)

/**
 * Builds the images and starts a cluster of one node; reports the seconds of each to `said`. Without an annotation, its
 * kubelet updates a changed ConfigMap after at most one and a half times `syncSeconds`.
 */
export async function startLocal(
  said: (line: string) => void,
  cleanup: Cleanup,
  syncSeconds: number,
): Promise<Cluster> {
  const environment = { ...process.env, PATH: pathOf() }
  const timed = async <T>(name: string, perform: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const value = await perform()
    said(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`)
    return value
  }
  const script = (name: string, args: readonly string[], seconds = 600): Promise<string> =>
    command(join(scripts, name), args, { env: environment, seconds })
  await timed('base image', async () => script('images.sh', ['base', await baseVersion()]))
  await timed('image by the README, deploy/Dockerfile', () => buildImage(environment.PATH))
  await timed('images of MinIO and pause', async () => {
    await script('images.sh', ['pause'])
    const minio = await command('bash', ['-c', 'command -v minio'], { env: environment })
    await script('images.sh', ['minio', minio.trim()])
  })
  const state = await mkdtemp(join(tmpdir(), 'cors-sidecar-kubernetes-'))
  cleanup.add(async () => {
    await script('down.sh', [state])
  })
  await timed('cluster up', () =>
    script('up.sh', [state, kubernetesPrograms, String(process.pid), `${syncSeconds}s`]),
  )
  const names = ['localhost/pause:1', `${sidecarImage}:latest`, `${minioImage}:latest`]
  const loaded = await timed('images into the cluster', () => script('load.sh', [state, ...names]))
  return connect(state, loaded, environment)
}

async function connect(
  state: string,
  loaded: string,
  environment: Cluster['environment'] & { readonly PATH: string },
): Promise<Cluster> {
  const inside = { ...environment, PATH: [join(state, 'bin'), environment.PATH].join(delimiter) }
  const image = (name: string): Image => {
    const digest = loaded
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1]
    require(digest !== undefined, `the image ${name} was not loaded`)
    return { name, digest }
  }
  const kubectl: Cluster['kubectl'] = (args, options = {}) =>
    command(join(state, 'bin', 'kubectl'), args, { ...options, env: inside })
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify(storageClass) })
  const holder = (await readFile(join(state, 'holder.pid'), 'utf8')).trim()
  return {
    kubectl,
    environment: inside,
    sidecar: image(sidecarImage),
    minio: image(minioImage),
    async addVolume(name) {
      const folder = join(state, 'disks', name)
      await mkdir(folder, { recursive: true })
      await kubectl(['apply', '-f', '-'], { input: JSON.stringify(volume(name, folder)) })
    },
    loopback: ['nsenter', '-t', holder, '-n', '--'],
    hasDns: existsSync(join(kubernetesPrograms, 'coredns')),
    async certify(host) {
      const both = await command(join(scripts, 'certify.sh'), [state, host])
      const at = both.indexOf('-----BEGIN CERTIFICATE-----')
      return { key: both.slice(0, at), certificate: both.slice(at) }
    },
    onNode: (program, args) => command(join(state, 'inside'), [program, ...args], { env: inside }),
  }
}

const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'disks', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
}

const volume = (name: string, path: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '100Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: 'disks',
    local: { path },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }] },
        ],
      },
    },
  },
})

async function baseVersion(): Promise<string> {
  const dockerfile = await readFile(join(project, 'deploy', 'Dockerfile'), 'utf8')
  const version = /^ARG NODE_IMAGE=node:([\d.]+)-slim/m.exec(dockerfile)?.[1]
  require(version !== undefined, 'deploy/Dockerfile names no base image')
  return version
}

/** With the README's command; `docker` is test/kubernetes/local/docker. */
async function buildImage(path: string): Promise<string> {
  const line = (await readmeBlock('docker build')).find((line) => line.startsWith('docker build'))
  return command('bash', ['-ec', line ?? ''], {
    cwd: project,
    env: { ...process.env, PATH: [scripts, path].join(delimiter) },
    seconds: 900,
  })
}
