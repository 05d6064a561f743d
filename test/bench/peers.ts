import type { StdioOptions } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { exchange } from '../serve/exchange.ts'
import { objectPath } from './answers.ts'
import type { Programs } from './machine.ts'
import type { PeerName } from './options.ts'
import { caddyProxy } from './peers/caddy.ts'
import { haproxyProxy } from './peers/haproxy.ts'
import { type NginxProxy, nginxProxy, nginxStore } from './peers/nginx.ts'
import { traefikProxy, traefikRoutes } from './peers/traefik.ts'
import { prepareVersitygw, versitygwKeys } from './peers/versitygw.ts'
import { origins } from './rule-sets.ts'
import { accepting, firstLine, freePort, type Running, type Testbed } from './testbed.ts'

/** A process and its port. */
export interface Listening extends Running {
  readonly port: number
}

/** A server in a process of its own (nginx: a master and one worker). */
export interface Peer extends Listening {
  /** Its access log, if it has one. */
  readonly log?: string
}

/** Names in tables. */
export const peerTitles: Readonly<Record<PeerName, string>> = {
  nginx: 'nginx',
  haproxy: 'HAProxy',
  caddy: 'Caddy',
  traefik: 'Traefik',
  express: 'express + cors + http-proxy-middleware',
  fastify: 'fastify + @fastify/cors + @fastify/http-proxy',
  versitygw: 'versitygw, a store with CORS rules for each bucket',
}

export interface PeerOptions {
  readonly upstreamPort: number
  /** It writes an access log to a file. */
  readonly logs: boolean
  readonly programs: Programs
}

/** Starts a peer in front of a store. */
export async function startPeer(testbed: Testbed, name: PeerName, options: PeerOptions): Promise<Peer> {
  const log = options.logs ? { log: testbed.path(`${name}.log`) } : {}
  return { ...(await startNamed(testbed, name, { ...options, ...log })), ...log }
}

interface LoggedOptions extends PeerOptions {
  readonly log?: string
}

function startNamed(testbed: Testbed, name: PeerName, options: LoggedOptions): Promise<Listening> {
  const { upstreamPort, log } = options
  switch (name) {
    case 'nginx':
      return startNginx(testbed, { upstreamPort, ...(log === undefined ? {} : { log }) })
    case 'haproxy':
      return startHaproxy(testbed, options)
    case 'caddy':
      return startCaddy(testbed, options)
    case 'traefik':
      return startTraefik(testbed, options)
    case 'versitygw':
      return startVersitygw(testbed, options)
    case 'express':
    case 'fastify':
      return startNodePeer(testbed, name, [String(upstreamPort), ...(log === undefined ? [] : [log])])
  }
}

/** Runs a file of `peers/` on this Node in production mode. The file prints its port. */
export async function startNodePeer(
  testbed: Testbed,
  name: string,
  argv: readonly string[],
): Promise<Listening> {
  const file = join(import.meta.dirname, 'peers', `${name}.ts`)
  const running = testbed.start(process.execPath, [file, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  return { ...running, port: Number(await firstLine(running)) }
}

/** The store of most loads: nginx with the files of `objects`. */
export async function startStore(testbed: Testbed, objects: string): Promise<Listening> {
  const port = await freePort()
  return run(testbed, port, (folder) => nginxStore({ folder, port, objects }))
}

export async function startNginx(
  testbed: Testbed,
  proxy: Pick<NginxProxy, 'upstreamPort' | 'tls' | 'log'>,
): Promise<Listening> {
  const port = await freePort()
  return run(testbed, port, (folder) => nginxProxy({ ...proxy, folder, port }))
}

async function run(
  testbed: Testbed,
  port: number,
  configuration: (folder: string) => string,
): Promise<Listening> {
  const folder = testbed.path('nginx')
  await mkdir(folder)
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configuration(folder))
  const running = testbed.start('nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', file])
  await accepting(running, port)
  return { ...running, port }
}

async function startHaproxy(testbed: Testbed, { upstreamPort, log }: LoggedOptions): Promise<Listening> {
  const port = await freePort()
  const originsFile = testbed.path('origins.txt')
  await writeFile(originsFile, `${origins.join('\n')}\n`)
  const file = testbed.path('haproxy.cfg')
  await writeFile(file, haproxyProxy({ port, upstreamPort, originsFile, logs: log !== undefined }))
  // Quiet, HAProxy would close its standard output.
  const argv = [...(log === undefined ? ['-q'] : []), '-db', '-f', file]
  const running = startWithOutput(testbed, 'haproxy', argv, log ?? testbed.path('haproxy.out'), 'stdout')
  await accepting(running, port)
  return { ...running, port }
}

async function startCaddy(
  testbed: Testbed,
  { upstreamPort, log, programs }: LoggedOptions,
): Promise<Listening> {
  const port = await freePort()
  const file = testbed.path('Caddyfile')
  await writeFile(file, caddyProxy(port, upstreamPort, log))
  const argv = ['run', '--config', file, '--adapter', 'caddyfile']
  return startGo(testbed, programs.Caddy ?? 'caddy', argv, port)
}

async function startTraefik(testbed: Testbed, { upstreamPort, log }: LoggedOptions): Promise<Listening> {
  const port = await freePort()
  const routes = testbed.path('routes.yml')
  await writeFile(routes, traefikRoutes(upstreamPort))
  const file = testbed.path('traefik.yml')
  await writeFile(file, traefikProxy({ port, routes, log }))
  const listening = await startGo(testbed, 'traefik', [`--configFile=${file}`], port)
  await routing(port)
  return listening
}

/** Traefik accepts connections before it has read its routes. */
async function routing(port: number): Promise<void> {
  for (const deadline = performance.now() + 15_000; performance.now() < deadline; await wait(50))
    if ((await exchange(`http://127.0.0.1:${port}${objectPath}`)).status !== 404) return
  throw new Error('Traefik does not know its routes after 15 s')
}

async function startVersitygw(testbed: Testbed, { log }: LoggedOptions): Promise<Listening> {
  const port = await freePort()
  const [data, meta] = [testbed.path('versitygw'), testbed.path('versitygw-meta')]
  await Promise.all([mkdir(data), mkdir(meta)])
  const { accessKeyId, secretAccessKey } = versitygwKeys
  const argv = [
    ...['--port', `127.0.0.1:${port}`, '--access', accessKeyId, '--secret', secretAccessKey],
    ...['--quiet', '--keep-alive', ...(log === undefined ? [] : ['--access-log', log])],
    ...['posix', '--sidecar', meta, data],
  ]
  const listening = await startGo(testbed, 'versitygw', argv, port)
  await prepareVersitygw(port)
  return listening
}

/** One thread for requests, as the others have. */
async function startGo(
  testbed: Testbed,
  program: string,
  argv: readonly string[],
  port: number,
): Promise<Listening> {
  const homes = { HOME: testbed.folder, XDG_CONFIG_HOME: testbed.folder, XDG_DATA_HOME: testbed.folder }
  const output = testbed.path(`${program}.err`)
  const running = startWithOutput(testbed, program, argv, output, 'stderr', { ...homes, GOMAXPROCS: '1' })
  try {
    await accepting(running, port)
  } catch (error) {
    throw new Error(`${program} did not start:\n${await readFile(output, 'utf8')}`, { cause: error })
  }
  return { ...running, port }
}

function startWithOutput(
  testbed: Testbed,
  program: string,
  argv: readonly string[],
  file: string,
  stream: 'stdout' | 'stderr',
  environment: Readonly<Record<string, string>> = {},
): Running {
  const output = openSync(file, 'a')
  const stdio: StdioOptions =
    stream === 'stdout' ? ['ignore', output, 'inherit'] : ['ignore', 'ignore', output]
  const running = testbed.start(program, argv, { stdio, env: { ...process.env, ...environment } })
  closeSync(output)
  return running
}
