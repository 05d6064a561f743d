import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openLocalPort } from '../../src/demo/local-port.ts'
import { accessKeyId, minioPath, secretAccessKey, startMinio } from '../minio/minio.ts'
import { builtVersionOf, versionOf } from './command.ts'

export { accessKeyId, secretAccessKey }

/** A store that starts empty. */
export interface Store {
  readonly url: string
  close(): Promise<void>
}

export interface StoreKind {
  readonly name: string
  /** The store's own version string. Throws `NotTested`. */
  version(): string
  /** `folder` is empty and belongs to the caller. */
  start(folder: string): Promise<Store>
}

const versityPath = process.env.VERSITYGW_PATH || 'versitygw'

export const minio: StoreKind = {
  name: 'MinIO',
  version: () => builtVersionOf(minioPath, '--version'),
  // Four drives, because versioning and locks need erasure coding.
  async start(folder) {
    await Promise.all([1, 2, 3, 4].map((drive) => mkdir(join(folder, `d${drive}`))))
    return startMinio(join(folder, 'd{1...4}'), { HOME: folder })
  },
}

export const versitygw: StoreKind = {
  name: 'versitygw',
  version: () => builtVersionOf(versityPath, '--version'),
  async start(folder) {
    const place = (name: string): string => join(folder, name)
    await Promise.all(['data', 'meta', 'users'].map((name) => mkdir(place(name))))
    const keys = ['--access', accessKeyId, '--secret', secretAccessKey, '--iam-dir', place('users')]
    const posix = ['posix', '--sidecar', place('meta'), place('data')]
    return startProcess(folder, versityPath, (port) => [
      ...['--port', `127.0.0.1:${port}`, ...keys, '--quiet', '--keep-alive', ...posix],
    ])
  },
}

export const rclone: StoreKind = {
  name: 'rclone serve s3',
  version: () => versionOf('rclone', 'version'),
  start: (folder) =>
    startProcess(folder, 'rclone', (port) => [
      ...['serve', 's3', '--addr', `127.0.0.1:${port}`, '--auth-key', `${accessKeyId},${secretAccessKey}`],
      folder,
    ]),
}

export const seaweed: StoreKind = {
  name: 'SeaweedFS',
  version: () => versionOf('weed', 'version'),
  async start(folder) {
    const admin = { accessKey: accessKeyId, secretKey: secretAccessKey }
    const identities = [{ name: 'admin', credentials: [admin], actions: ['Admin', 'Read', 'Write'] }]
    await writeFile(join(folder, 's3.json'), JSON.stringify({ identities }))
    const ports = await Promise.all([freePort(), freePort(), freePort()])
    const [master, volume, filer] = ports.map(String)
    return startProcess(folder, 'weed', (port) => [
      ...['server', `-dir=${folder}`, '-ip=127.0.0.1', `-master.port=${master}`, `-volume.port=${volume}`],
      ...['-filer', `-filer.port=${filer}`, '-s3', `-s3.port=${port}`, `-s3.config=${folder}/s3.json`],
      ...['-volume.max=50', '-master.volumeSizeLimitMB=64'],
    ])
  },
}

const apachePath = ['/usr/sbin/apache2', '/usr/sbin/httpd'].find((path) => existsSync(path)) ?? 'apache2'
const apacheModules = '/usr/lib/apache2/modules'

/** `mod_dav` with locks, one collection `/dav/`. */
export const apache: StoreKind = {
  name: 'Apache mod_dav',
  version: () => versionOf(apachePath, '-v'),
  async start(folder) {
    await mkdir(join(folder, 'files/dav'), { recursive: true })
    await writeFile(join(folder, 'mime.types'), 'text/plain txt\n')
    // Started as root, it serves as another user.
    await Promise.all(['', 'files', 'files/dav'].map((name) => chmod(join(folder, name), 0o777)))
    const modules = ['mpm_event', 'authz_core', 'mime', 'dav', 'dav_fs', 'dav_lock']
      .map((name) => `LoadModule ${name}_module ${apacheModules}/mod_${name}.so`)
      .join('\n')
    return startProcess(folder, apachePath, async (port) => {
      await writeFile(
        join(folder, 'apache.conf'),
        `${modules}
ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
TypesConfig ${folder}/mime.types
DocumentRoot ${folder}/files
DavLockDB ${folder}/files/.locks
<Directory ${folder}/files>
  Require all granted
  Dav On
</Directory>
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
`,
      )
      return ['-d', folder, '-f', join(folder, 'apache.conf'), '-DFOREGROUND']
    })
  },
}

const nginxPath = ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path)) ?? 'nginx'
const davModule = '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so'

/** `dav` and `dav_ext`, one collection `/dav/`. */
export const nginx: StoreKind = {
  name: 'nginx dav-ext',
  version: () => versionOf(nginxPath, '-v'),
  async start(folder) {
    await mkdir(join(folder, 'files/dav'), { recursive: true })
    await Promise.all(['', 'files', 'files/dav'].map((name) => chmod(join(folder, name), 0o777)))
    const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(' ')
    return startProcess(folder, nginxPath, async (port) => {
      await writeFile(
        join(folder, 'nginx.conf'),
        `load_module ${davModule};
daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off; ${temporaryPaths} dav_ext_lock_zone zone=locks:10m;
  server {
    listen 127.0.0.1:${port}; root ${folder}/files; client_max_body_size 100m;
    dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=locks;
    create_full_put_path off; dav_access user:rw group:rw all:rw;
  }
}
`,
      )
      return ['-c', join(folder, 'nginx.conf'), '-p', folder]
    })
  },
}

async function freePort(): Promise<number> {
  const { port, close } = await openLocalPort(0)
  await close()
  return port
}

/** Starts a store on the port in its arguments; resolves when it listens. */
async function startProcess(
  folder: string,
  path: string,
  argsFor: (port: number) => readonly string[] | Promise<readonly string[]>,
): Promise<Store> {
  const port = await freePort()
  const env = { PATH: process.env.PATH, HOME: folder }
  const child = spawn(path, await argsFor(port), { stdio: 'ignore', env, cwd: folder })
  const ended = once(child, 'exit')
  for (let attempt = 0; !(await isListening(port)); attempt++) {
    if (child.exitCode !== null || attempt === 600) throw new Error(`${path} does not serve`)
    await pause(100)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      // Not SIGKILL: Apache's parent must be able to end its children.
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(late)
    },
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
