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
      const [program = 'curl', ...all] = [...cluster.loopback, 'curl', ...args]
      return command(program, all)
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
  const byAddress = async (path: string): Promise<number> => {
    const url = `http://${ip}:9464${path}`
    if (cluster.onNode === undefined) return (await client.send({ url })).status
    return Number(await cluster.onNode('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', url]))
  }
  // The node always gets past NetworkPolicies, a pod of a stranger does not.
  if ((await byAddress('/healthz')) === 0)
    return "pages, rules and reload by port-forward; the NetworkPolicies close the pod's address"
  for (const [path, status] of [
    ['/', 403],
    ['/-/rules', 403],
    ['/healthz', 200],
    ['/metrics', 200],
  ] as const) {
    const answer = await byAddress(path)
    require(answer === status, `${path} by the pod's address: ${answer}`)
  }
  return "pages, rules and reload by port-forward; 403 by the pod's address, but for health and metrics"
}
