import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerName } from './options.ts'
import { caddyProxy } from './peers/caddy.ts'
import { haproxyProxy } from './peers/haproxy.ts'
import { type NginxProxy, nginxProxy, nginxStore } from './peers/nginx.ts'
import { origins } from './rule-sets.ts'
import { accepting, firstLine, freePort, type Running, type Testbed } from './testbed.ts'

/** A process and its port. */
export interface Listening extends Running {
  readonly port: number
}

/** A server in a process of its own (nginx: a master and one worker). */
export interface Peer extends Listening {
  readonly name: string
}

/** Names in tables. */
export const peerTitles: Readonly<Record<PeerName, string>> = {
  nginx: 'nginx',
  haproxy: 'HAProxy',
  caddy: 'Caddy',
  express: 'express + cors + http-proxy-middleware',
  fastify: 'fastify + @fastify/cors + @fastify/http-proxy',
}

/** Starts a peer in front of a store. */
export async function startPeer(testbed: Testbed, name: PeerName, upstreamPort: number): Promise<Peer> {
  const title = peerTitles[name]
  switch (name) {
    case 'nginx':
      return { ...(await startNginx(testbed, { upstreamPort })), name: title }
    case 'haproxy':
      return { ...(await startHaproxy(testbed, upstreamPort)), name: title }
    case 'caddy':
      return { ...(await startCaddy(testbed, upstreamPort)), name: title }
    case 'express':
    case 'fastify':
      return { ...(await startNodePeer(testbed, name, [String(upstreamPort)])), name: title }
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
  proxy: Pick<NginxProxy, 'upstreamPort' | 'tls'>,
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

async function startHaproxy(testbed: Testbed, upstreamPort: number): Promise<Listening> {
  const port = await freePort()
  const originsFile = testbed.path('origins.txt')
  await writeFile(originsFile, `${origins.join('\n')}\n`)
  const file = testbed.path('haproxy.cfg')
  await writeFile(file, haproxyProxy(port, upstreamPort, originsFile))
  const running = testbed.start('haproxy', ['-db', '-q', '-f', file])
  await accepting(running, port)
  return { ...running, port }
}

async function startCaddy(testbed: Testbed, upstreamPort: number): Promise<Listening> {
  const port = await freePort()
  const file = testbed.path('Caddyfile')
  await writeFile(file, caddyProxy(port, upstreamPort))
  const homes = { HOME: testbed.folder, XDG_CONFIG_HOME: testbed.folder, XDG_DATA_HOME: testbed.folder }
  const log = testbed.path('caddy.log')
  const output = openSync(log, 'a')
  const running = testbed.start('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
    stdio: ['ignore', 'ignore', output],
    env: { ...process.env, ...homes, GOMAXPROCS: '1' },
  })
  closeSync(output)
  try {
    await accepting(running, port)
  } catch (error) {
    throw new Error(`Caddy did not start:\n${await readFile(log, 'utf8')}`, { cause: error })
  }
  return { ...running, port }
}
