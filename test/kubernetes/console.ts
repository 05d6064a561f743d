import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { command } from './command.ts'
import type { Scene } from './minio-steps.ts'
import { require } from './step.ts'

/** The console answers through the README's port-forward, but not on the pod's address. */
export async function askConsole({ cluster, client }: Scene): Promise<string> {
  const child = spawn('kubectl', ['-n', 'object-store', 'port-forward', 'pod/minio-0', ':9464'], {
    env: cluster.environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const port = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout })
        .on('line', (line) => {
          const found = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
          if (found !== undefined) resolve(found)
        })
        .on('close', () => reject(new Error('port-forward ended')))
    })
    const curl = (path: string, ...more: readonly string[]): Promise<string> => {
      const args = ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...more, `http://localhost:${port}${path}`]
      // The cluster of `--local` has a loopback interface of its own.
      return cluster.onNode?.('curl', args) ?? command('curl', args)
    }
    for (const path of ['/', '/healthz', '/readyz', '/metrics', '/-/rules'])
      require((await curl(path)) === '200', `${path} by port-forward: ${await curl(path)}`)
    require((await curl('/-/reload', '-X', 'POST')) === '200', 'no reload by port-forward')
  } finally {
    child.kill()
  }
  const ip = await cluster.kubectl([
    '-n',
    'object-store',
    'get',
    'pod',
    'minio-0',
    '-o',
    'jsonpath={.status.podIP}',
  ])
  for (const [path, status] of [
    ['/', 403],
    ['/-/rules', 403],
    ['/healthz', 200],
    ['/metrics', 200],
  ] as const) {
    const answer = await client.send({ url: `http://${ip}:9464${path}` })
    require(answer.status === status, `${path} by the pod's address: ${answer.error ?? answer.status}`)
  }
  return "pages, rules and reload by port-forward; 403 by the pod's address, but for health and metrics"
}
