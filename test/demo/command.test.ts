import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { openLocalPort } from '../../src/demo/local-port.ts'

const root = join(import.meta.dirname, '..', '..')

interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly out: string
  readonly err: string
}

describe('cors-sidecar demo', () => {
  const children: Running['child'][] = []

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null) continue
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  })

  /** Starts the command and reads what it prints until it waits for Ctrl-C. */
  async function started(...flags: string[]): Promise<Running> {
    const child = spawn(process.execPath, [join(root, 'cmd/main.ts'), 'demo', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    let out = ''
    let err = ''
    // Output of two pipes may arrive in any order.
    await new Promise<void>((resolve, reject) => {
      const look = () => (out.includes('rules ') && err.includes('Ctrl-C') ? resolve() : undefined)
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text
        look()
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text
        look()
      })
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${err}`)))
    })
    return { child, out, err }
  }

  const place = ({ out }: Running, part: string): string =>
    new RegExp(`^ +${part} +(\\S+)`, 'm').exec(out)?.[1] ?? `no ${part}`

  test.each([
    'SIGINT',
    'SIGTERM',
  ] as const)('prints where everything is, and ends with 0 on %s', async (signal) => {
    const running = await started()
    expect(running.out).toContain(`Open ${place(running, 'page')}\n`)
    const page = await fetch(place(running, 'page'))
    expect(page.status).toBe(200)
    expect((await fetch(`${place(running, 'sidecar')}photos/welcome.txt`)).status).toBe(200)
    expect((await fetch(`${place(running, 'store')}photos/welcome.txt`)).status).toBe(200)
    expect((await fetch(`${place(running, 'admin')}healthz`)).status).toBe(200)
    const rules = place(running, 'rules')
    expect(existsSync(join(rules, 'photos.yaml'))).toBe(true)
    running.child.kill(signal)
    const [code] = await once(running.child, 'exit')
    expect(code).toBe(0)
    expect(existsSync(dirname(rules))).toBe(false)
  })

  test('reports a port in use and the port used instead', async () => {
    // Another process may already use the port: the test works with either.
    const taken = await openLocalPort(8080)
    const running = await started('--dialect', 's3')
    expect(running.err).toContain('Port 8080 is not available: the sidecar listens on ')
    expect(place(running, 'sidecar')).not.toBe('http://127.0.0.1:8080/')
    const preflight = await fetch(`${place(running, 'sidecar')}photos/x`, { method: 'OPTIONS' })
    expect(preflight.headers.get('server')).toBe('AmazonS3')
    await taken.close()
  })

  test('exits with 2 for an unknown dialect', async () => {
    const child = spawn(process.execPath, [join(root, 'cmd/main.ts'), 'demo', '--dialect', 'gcs'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    const [code] = await once(child, 'exit')
    expect(code).toBe(2)
  })
})
