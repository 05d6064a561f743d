import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Answer, Job, LoadOutcome, Sent, SlowOutcome } from './client/job.ts'
import { type Cluster, createNamespace } from './cluster.ts'

/** A client in a pod: it reaches Services in every cluster, over the pod network. */
export interface PodClient {
  readonly send: (request: Sent) => Promise<Answer>
  /** Repeats the request until it gets the status, for a limited time. */
  readonly until: (request: Sent, status: number, seconds: number) => Promise<Answer & { seconds: number }>
  readonly slowPut: (url: string, bytes: number, seconds: number) => Promise<SlowOutcome>
  readonly slowGet: (url: string, bytes: number, seconds: number) => Promise<SlowOutcome>
  /** Sends these requests in a loop. Call the returned function to stop. */
  readonly load: (requests: readonly Sent[]) => () => Promise<LoadOutcome>
}

export const clientNamespace = 'cors-sidecar-test-client'

/** The sidecar's image has Node, which is all that the client needs. */
export async function startPodClient(cluster: Cluster, namespace: string): Promise<PodClient> {
  await createNamespace(cluster, namespace)
  const source = await readFile(join(import.meta.dirname, 'client', 'client.ts'), 'utf8')
  await cluster.kubectl(['apply', '-f', '-'], { input: manifests(cluster, namespace, source) })
  const wait = ['wait', '--for=condition=Ready', 'pod/client', '--timeout=120s']
  await cluster.kubectl(['-n', namespace, ...wait])
  const start = (job: Job) => {
    const args = ['-n', namespace, 'exec', '-i', 'client', '--', 'node', '/client/client.ts']
    // Over WebSocket, kubectl gives up when a ping takes a minute, as on a machine under load.
    const env = { ...cluster.environment, KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }
    const child = spawn('kubectl', args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    // The client ends with its input, which thus stays open until its line is here.
    const answered = text(endingWithLine(child.stdout, () => child.stdin.end()))
    const outcome = Promise.all([answered, text(child.stderr)]).then(([out, err]): unknown => {
      if (!out.endsWith('}\n')) throw new Error(`the client failed: ${err.slice(-500)}`)
      return JSON.parse(out)
    })
    // Closing the cluster during a run ends it; nothing may wait for it then.
    outcome.catch(() => undefined)
    child.stdin.on('error', () => {})
    child.stdin.write(`${JSON.stringify(job)}\n`)
    return { outcome, stop: () => void child.stdin.write('stop\n') }
  }
  const perform = (job: Job): Promise<unknown> => start(job).outcome
  return {
    send: async (request) => (await perform({ kind: 'send', request })) as Answer,
    until: async (request, status, seconds) =>
      (await perform({ kind: 'until', request, status, seconds })) as Answer & { seconds: number },
    slowPut: async (url, bytes, seconds) =>
      (await perform({ kind: 'slow-put', request: { url }, bytes, seconds })) as SlowOutcome,
    slowGet: async (url, bytes, seconds) =>
      (await perform({ kind: 'slow-get', request: { url }, bytes, seconds })) as SlowOutcome,
    load(requests) {
      const { outcome, stop } = start({ kind: 'load', requests })
      return async () => {
        stop()
        return (await outcome) as LoadOutcome
      }
    },
  }
}

async function* endingWithLine(
  output: AsyncIterable<Buffer>,
  end: () => void,
): AsyncGenerator<Buffer, void, void> {
  for await (const piece of output) {
    if (piece.includes('\n')) end()
    yield piece
  }
}

function manifests({ sidecar }: Cluster, namespace: string, source: string): string {
  const data = { 'client.ts': source, 'package.json': '{"type": "module"}' }
  const idle = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1e9)"
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'client', namespace }, data },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'client', namespace },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'client',
              image: `${sidecar.name}@${sidecar.digest}`,
              command: ['node', '-e', idle],
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [{ name: 'client', mountPath: '/client', readOnly: true }],
            },
          ],
          volumes: [{ name: 'client', configMap: { name: 'client' } }],
        },
      },
    ],
  })
}
