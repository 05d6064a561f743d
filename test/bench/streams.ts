import { join } from 'node:path'
import { runToEnd, type Testbed } from './testbed.ts'

/** Instructions for `peers/stream-client.ts`. */
export interface StreamOrder {
  readonly url: string
  readonly direction: 'get' | 'put'
  /** Size of each object. */
  readonly bytes: number
  readonly transfers: number
  readonly atATime: number
  /** Abort everything after this many bytes in total. */
  readonly stopAfter?: number
  /** File with the trusted certificate. */
  readonly ca?: string
  /** The page's origin, which must be allowed. */
  readonly origin: string
}

export interface StreamOutcome {
  readonly bytes: number
  readonly seconds: number
  /** The negotiated TLS, e.g. `TLSv1.3 TLS_AES_256_GCM_SHA384`; empty without TLS. */
  readonly tls: readonly string[]
}

/** Rejects when a response is wrong or incomplete. */
export async function transfer(testbed: Testbed, order: StreamOrder): Promise<StreamOutcome> {
  const client = join(import.meta.dirname, 'peers', 'stream-client.ts')
  return JSON.parse(await runToEnd(testbed, process.execPath, [client, JSON.stringify(order)]))
}

/** A self-signed certificate for 127.0.0.1. */
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
