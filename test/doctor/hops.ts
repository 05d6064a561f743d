import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A hop's port, and how to stop it. */
interface Running {
  readonly port: number
  close(): Promise<void>
}

const folders = [
  '/usr/sbin',
  '/usr/bin',
  '/usr/local/sbin',
  '/usr/local/bin',
  join(homedir(), '.cache/cors-sidecar/bin'),
]
const pathOf = (name: string): string | undefined =>
  folders.map((folder) => join(folder, name)).find((path) => existsSync(path))

const programs = { nginx: pathOf('nginx'), caddy: pathOf('caddy'), haproxy: pathOf('haproxy') }

/** Programs that this machine lacks. */
export const lacking = Object.entries(programs).flatMap(([name, path]) => (path === undefined ? [name] : []))

/** An HTTP server in this process, until the test ends. */
export async function server(answer: RequestListener): Promise<number> {
  const running = createServer(answer)
  await new Promise<void>((resolve) => running.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    running.close()
    running.closeAllConnections()
  })
  return (running.address() as AddressInfo).port
}

/** `http { … }` content of nginx, for the given port. */
export const nginx = (http: (port: number, folder: string) => string): Promise<number> =>
  start('nginx', http, (_port, folder, content) => ({
    file: 'nginx.conf',
    text: `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  ${content}
}`,
    argv: ['-e', `${folder}/error.log`, '-c', `${folder}/nginx.conf`],
  }))

export const caddy = (site: string): Promise<number> =>
  start(
    'caddy',
    () => site,
    (port, folder, content) => ({
      file: 'Caddyfile',
      text: `{\n admin off\n auto_https off\n storage file_system ${folder}\n}\nhttp://:${port} {\n bind 127.0.0.1\n${content}\n}\n`,
      argv: ['run', '--config', `${folder}/Caddyfile`, '--adapter', 'caddyfile'],
    }),
  )

/** A frontend of HAProxy in front of `upstream`; `rules` are its lines. */
export const haproxy = (upstream: number, rules: string): Promise<number> =>
  start(
    'haproxy',
    () => rules,
    (port, folder, content) => ({
      file: 'haproxy.cfg',
      text: `defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend pages
  bind 127.0.0.1:${port}
${content}
  default_backend store
backend store
  server store 127.0.0.1:${upstream}
`,
      argv: ['-f', `${folder}/haproxy.cfg`],
    }),
  )

async function start(
  name: keyof typeof programs,
  content: (port: number, folder: string) => string,
  layout: (
    port: number,
    folder: string,
    content: string,
  ) => { file: string; text: string; argv: readonly string[] },
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const { file, text, argv } = layout(port, folder, content(port, folder))
  await writeFile(join(folder, file), text)
  const { close } = await run(programs[name] ?? name, argv, port, folder)
  onTestFinished(close)
  return port
}

async function run(program: string, argv: readonly string[], port: number, folder: string): Promise<Running> {
  const child = spawn(program, argv, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: folder },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-4000)
  })
  const ended = once(child, 'exit')
  const failed = ended.then(() => Promise.reject(new Error(`${program} ended: ${said}`)))
  failed.catch(() => {})
  await Promise.race([accepting(port), failed])
  return {
    port,
    async close() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function accepting(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => resolve(false))
      socket.on('connect', () => {
        socket.destroy()
        resolve(true)
      })
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A port without a listener at the moment. */
export async function freePort(): Promise<number> {
  const holder = createTcpServer()
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as AddressInfo
  await new Promise((resolve) => holder.close(resolve))
  return port
}
