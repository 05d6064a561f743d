import { addressOf, type Cluster, createNamespace, type Pair } from './cluster.ts'
import type { PodClient } from './pod-client.ts'
import { createBucket, rootPassword, rootUser, s3At } from './s3.ts'

export const storeNamespace = 'cors-sidecar-test-storage'

/** A store with a bucket, which the sidecar stands in front of. Resolves with its address. */
export async function startStore(cluster: Cluster, client: PodClient): Promise<string> {
  await installMinio(cluster, storeNamespace, 9000)
  const address = `http://${await addressOf(cluster, storeNamespace, 'minio')}:9000`
  await createBucket(s3At(address, client))
  return address
}

/** A MinIO that this project did not deploy, behind the Service `minio`; with TLS if there is a certificate. */
export async function installMinio(
  cluster: Cluster,
  namespace: string,
  port: number,
  certificate?: Pair,
): Promise<void> {
  await createNamespace(cluster, namespace)
  const items = [service(namespace, port), pod(cluster, namespace, certificate !== undefined)]
  const secret = certificate === undefined ? [] : [secretOf(namespace, certificate)]
  await cluster.kubectl(['apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [...secret, ...items] }),
  })
  await cluster.kubectl(['-n', namespace, 'wait', '--for=condition=Ready', 'pod/minio', '--timeout=120s'])
}

const labels = { app: 'minio' }

const service = (namespace: string, port: number) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'minio', namespace },
  spec: { selector: labels, ports: [{ port, targetPort: 9000 }] },
})

/** By the names under which MinIO looks for them. */
const secretOf = (namespace: string, { key, certificate }: Pair) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'certs', namespace },
  stringData: { 'private.key': key, 'public.crt': certificate },
})

function pod({ minio }: Cluster, namespace: string, hasTls: boolean) {
  const volumes = [
    { name: 'data', emptyDir: {} },
    ...(hasTls ? [{ name: 'certs', secret: { secretName: 'certs' } }] : []),
  ]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'minio', namespace, labels },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        fsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'minio',
          image: `${minio.name}@${minio.digest}`,
          args: ['server', '/data', '--address', ':9000', ...(hasTls ? ['--certs-dir', '/certs'] : [])],
          env: [
            { name: 'MINIO_ROOT_USER', value: rootUser },
            { name: 'MINIO_ROOT_PASSWORD', value: rootPassword },
            { name: 'HOME', value: '/data' },
          ],
          readinessProbe: {
            httpGet: { path: '/minio/health/ready', port: 9000, scheme: hasTls ? 'HTTPS' : 'HTTP' },
            periodSeconds: 1,
            // A store that is slow for a moment must not lose its Service: that refuses connections at once.
            timeoutSeconds: 5,
            failureThreshold: 6,
          },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/${name}` })),
        },
      ],
      volumes,
    },
  }
}
