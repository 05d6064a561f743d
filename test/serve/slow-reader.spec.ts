import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { folderWith } from '../rules/directory.ts'
import { generationFile } from './generations.ts'
import { main } from './program.ts'

/** A pod and a remote client: two network namespaces connected by a cable. */
const pod = `cs-pod-${process.pid}`
const outside = `cs-out-${process.pid}`
const podAddress = '198.51.100.2'

const ip = (...argv: readonly string[]): void => {
  execFileSync('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'] })
}
const inside = (namespace: string, ...argv: readonly string[]): void =>
  ip('netns', 'exec', namespace, ...argv)

/** Why network namespaces are unavailable, if they are. */
function connectNamespaces(): string | undefined {
  try {
    ip('netns', 'add', pod)
    ip('netns', 'add', outside)
    ip('-n', pod, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', outside)
    for (const [namespace, address] of [
      [pod, `${podAddress}/30`],
      [outside, '198.51.100.1/30'],
    ] as const) {
      ip('-n', namespace, 'address', 'add', address, 'dev', 'cable')
      for (const link of ['lo', 'cable']) ip('-n', namespace, 'link', 'set', link, 'up')
    }
    // A small receive buffer for the client and a large send buffer for the pod, so that the end of the response
    // waits in the pod.
    inside(pod, 'sysctl', '-qw', 'net.ipv4.tcp_wmem=4096 4194304 4194304')
    inside(outside, 'sysctl', '-qw', 'net.ipv4.tcp_rmem=4096 16384 16384')
    return undefined
  } catch (error) {
    deleteNamespace(pod)
    deleteNamespace(outside)
    return `no network namespaces: ${error instanceof Error ? error.message : ''}`
  }
}

function deleteNamespace(namespace: string): void {
  try {
    ip('netns', 'delete', namespace)
  } catch {
    // Already gone.
  }
}

function run(namespace: string, ...argv: readonly string[]): ChildProcess {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** The first line of `child` for which `matches` holds. */
async function line(child: ChildProcess, matches: (text: string) => boolean): Promise<string> {
  if (child.stdout === null) throw new Error('no output')
  for await (const text of createInterface(child.stdout)) if (matches(text)) return text
  throw new Error('it ended without the line')
}

const size = 5 << 20

const store = `require('http').createServer((_, response) => response.end(Buffer.alloc(${size}, 'x')))
  .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

/** Reads about half a megabyte per second; prints when it has begun and how it ended. */
const reader = (lines: string): string => `let bytes = 0, last
const socket = require('net').connect(8080, '${podAddress}', () =>
  socket.write('GET /site/large HTTP/1.1\\r\\nHost: h\\r\\n${lines}\\r\\n'))
const over = (how) => { console.log(JSON.stringify({ how, body: bytes - text.indexOf('\\r\\n\\r\\n') - 4 })); process.exit() }
let text = ''
socket.on('data', (piece) => {
  if (bytes === 0) { text = piece.toString('latin1'); console.log('begun') }
  bytes += piece.length
  clearTimeout(last)
  last = setTimeout(over, 8000, 'stalled')
  socket.pause()
  setTimeout(() => socket.resume(), 30)
})
socket.on('end', () => over('end')).on('error', (error) => over(error.code))`

test.for([
  ['that is kept', ''],
  ['that ends with its answer', 'Connection: close\\r\\n'],
])(
  'a slow reader over a connection %s has the whole answer when the network of the ended process is deleted',
  {
    timeout: 90_000,
  },
  async ([, lines = ''], { skip }) => {
    const reason = connectNamespaces()
    if (reason !== undefined) return skip(reason)
    onTestFinished(() => {
      deleteNamespace(pod)
      deleteNamespace(outside)
    })
    const rules = await folderWith(await mkdtemp(join(tmpdir(), 'slow-reader-')), {
      'site.yaml': generationFile(1),
    })
    onTestFinished(() => rm(rules, { recursive: true }))

    const storing = run(pod, '-e', store)
    const port = await line(storing, () => true)
    const ports = ['--listen', `${podAddress}:8080`, '--admin', '127.0.0.1:9464']
    const program = run(
      pod,
      main,
      'serve',
      '--upstream',
      `http://127.0.0.1:${port}`,
      '--rules',
      rules,
      ...ports,
    )
    await line(program, (text) => text.includes('"serving"'))
    program.stdout?.resume()

    const client = run(outside, '-e', reader(lines))
    const reported = createInterface(client.stdout ?? process.stdin)[Symbol.asyncIterator]()
    expect((await reported.next()).value).toBe('begun')
    const exited = once(program, 'exit')
    program.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    const stored = once(storing, 'exit')
    storing.kill('SIGKILL')
    await stored
    // Like a cluster's network plugin, because a bare namespace lives on while the kernel has bytes to deliver.
    ip('-n', pod, 'link', 'delete', 'cable')
    deleteNamespace(pod)

    expect(JSON.parse((await reported.next()).value ?? '')).toEqual({ how: 'end', body: size })
  },
)
