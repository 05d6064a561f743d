import { join } from 'node:path'
import { runToEnd, type Testbed } from './testbed.ts'

/** What `peers/stream-client.ts` is to do. */
export interface StreamOrder {
  readonly url: string
  readonly direction: 'get' | 'put'
  /** Size of each object. */
  readonly bytes: number
  readonly transfers: number
  readonly atATime: number
  /** Bytes in all after which everything is broken off. */
  readonly stopAfter?: number
  /** File of the certificate that is trusted. */
  readonly ca?: string
  /** What the page's origin is, and must be allowed. */
  readonly origin: string
}

export interface StreamOutcome {
  readonly bytes: number
  readonly seconds: number
  /** What TLS was agreed on, e.g. `TLSv1.3 TLS_AES_256_GCM_SHA384`; nothing without TLS. */
  readonly tls: readonly string[]
}

/** Rejects when an answer is wrong or not whole. */
export async function transfer(testbed: Testbed, order: StreamOrder): Promise<StreamOutcome> {
  const client = join(import.meta.dirname, 'peers', 'stream-client.ts')
  return JSON.parse(await runToEnd(testbed, process.execPath, [client, JSON.stringify(order)]))
}

/** A certificate of 127.0.0.1 that is its own authority. */
export async function makeCertificate(
  testbed: Testbed,
): Promise<{ readonly cert: string; readonly key: string }> {
  const cert = testbed.path('cert.pem')
  const key = testbed.path('key.pem')
  await runToEnd(testbed, 'openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  ])
  return { cert, key }
}
