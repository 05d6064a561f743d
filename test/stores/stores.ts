import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { openLocalPort } from '../../src/demo/local-port.ts'
import { accessKeyId, minioPath, secretAccessKey, startMinio } from '../minio/minio.ts'
import { suffix } from './spellings.ts'

/** A real store with {@link objects} that everybody may read. */
export interface RealStore {
  readonly url: string
  close(): Promise<void>
}

export interface StoreKind {
  readonly name: string
  /** The required program. */
  readonly program: 'minio' | 'nginx' | 'versitygw'
  start(): Promise<RealStore>
}

/** Keys in both buckets. */
export const keys = ['secret', 'public/secret', 'private/secret', 'secret/secret'] as const
export const buckets = ['public', 'private'] as const

/** The content of an object names its bucket. */
export const contentOf = (bucket: string, key: string): string => `object of ${bucket}: ${key}\n`

const nginxPath = ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path)) ?? 'nginx'
const versityPath = process.env.VERSITYGW_PATH || 'versitygw'

const versionFlags = {
  minio: [minioPath, '--version'],
  nginx: [nginxPath, '-v'],
  versitygw: [versityPath, '--version'],
}

export function isInstalled(program: StoreKind['program']): boolean {
  const [command = '', flag = ''] = versionFlags[program]
  return spawnSync(command, [flag]).status === 0
}

export const stores: readonly StoreKind[] = [
  { name: 'MinIO by path', program: 'minio', start: () => minio({}) },
  { name: 'MinIO with MINIO_DOMAIN', program: 'minio', start: () => minio({ MINIO_DOMAIN: suffix }) },
  {
    name: 'MinIO with MINIO_DOMAIN in Kubernetes',
    program: 'minio',
    start: () => minio({ MINIO_DOMAIN: suffix, KUBERNETES_SERVICE_HOST: '127.0.0.1' }),
  },
  { name: 'nginx by path', program: 'nginx', start: () => nginx('') },
  {
    name: 'nginx by Host',
    program: 'nginx',
    start: () =>
      nginx(`server_name ~^(?<bucket>.+)\\.${suffix.replace('.', '\\.')}$; root FOLDER/files/$bucket;`),
  },
  { name: 'versitygw by path', program: 'versitygw', start: () => versitygw([]) },
  {
    name: 'versitygw by Host',
    program: 'versitygw',
    start: () => versitygw(['--virtual-domain', suffix]),
  },
]

async function temporary(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'stores-'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

async function minio(environment: Readonly<Record<string, string>>): Promise<RealStore> {
  const { folder, remove } = await temporary()
  const running = await startMinio(folder, environment)
  await fill(running.url)
  return {
    url: running.url,
    async close() {
      await running.close()
      await remove()
    },
  }
}

async function versitygw(flags: readonly string[]): Promise<RealStore> {
  const { folder, remove } = await temporary()
  await Promise.all(['data', 'meta'].map((name) => mkdir(join(folder, name))))
  const port = await freePort()
  const keyFlags = ['--access', accessKeyId, '--secret', secretAccessKey]
  const posix = ['posix', '--sidecar', join(folder, 'meta'), join(folder, 'data')]
  const stop = await startProcess(
    versityPath,
    ['--port', `127.0.0.1:${port}`, ...keyFlags, '--quiet', '--keep-alive', ...flags, ...posix],
    port,
  )
  const url = `http://127.0.0.1:${port}`
  await fill(url)
  return {
    url,
    async close() {
      await stop()
      await remove()
    },
  }
}

/** `virtual`: lines of a second server, for hosts that name a bucket. */
async function nginx(virtual: string): Promise<RealStore> {
  const { folder, remove } = await temporary()
  const port = await freePort()
  for (const bucket of buckets)
    for (const key of keys) {
      // A file cannot also be a folder.
      if (key === 'secret/secret') continue
      const file = join(folder, 'files', bucket, key)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, contentOf(bucket, key))
    }
  const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  const byHost =
    virtual === '' ? '' : `server { listen 127.0.0.1:${port}; ${virtual.replace('FOLDER', folder)} }`
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off; ${temporaryPaths} keepalive_requests 1000000;
  server { listen 127.0.0.1:${port} default_server; server_name _; root ${folder}/files; }
  ${byHost}
}
`,
  )
  const stop = await startProcess(nginxPath, ['-c', join(folder, 'nginx.conf'), '-p', folder], port)
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await stop()
      await remove()
    },
  }
}

async function freePort(): Promise<number> {
  const { port, close } = await openLocalPort(0)
  await close()
  return port
}

async function startProcess(
  path: string,
  args: readonly string[],
  port: number,
): Promise<() => Promise<void>> {
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  for (let attempt = 0; !(await isListening(port)); attempt++) {
    if (child.exitCode !== null || attempt === 300) throw new Error(`${path} does not serve`)
    await pause(100)
  }
  return async () => {
    child.kill('SIGKILL')
    await ended
  }
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

/** Creates the buckets and their objects, which everybody may read and list. */
async function fill(endpoint: string): Promise<void> {
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
  for (const bucket of buckets) {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    for (const key of keys) {
      if (key === 'secret/secret') continue
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: contentOf(bucket, key) }))
    }
    const statement = (action: string, resource: string) => ({
      Effect: 'Allow',
      Principal: '*',
      Action: [action],
      Resource: [resource],
    })
    const policy = {
      Version: '2012-10-17',
      Statement: [
        statement('s3:GetObject', `arn:aws:s3:::${bucket}/*`),
        statement('s3:ListBucket', `arn:aws:s3:::${bucket}`),
      ],
    }
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }))
  }
  client.destroy()
}
