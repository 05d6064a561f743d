/** The certificate of the data port, reloaded when its files change. */

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { watchFiles } from './watch-files.ts'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificatePair {
  readonly cert: string
  readonly key: string
  /** Milliseconds since 1970. */
  readonly expiry: number
}

export interface CertificateEvents {
  /** A pair is now being served: the first one at start, or a changed one. */
  readonly served: (pair: CertificatePair) => void
  /** The changed pair is unusable; the previous one stays. */
  readonly refused: (error: unknown) => void
  /** The served pair has expired, so clients reject it. */
  readonly expired: (pair: CertificatePair) => void
}

/** Reads the pair at start. Throws when a file cannot be read or when key and certificate do not match. */
export function readCertificate(files: CertificateFiles): CertificatePair {
  return checked(readFileSync(files.certFile, 'utf8'), readFileSync(files.keyFile, 'utf8'))
}

function checked(cert: string, key: string): CertificatePair {
  createSecureContext({ cert, key })
  return { cert, key, expiry: new X509Certificate(cert).validToDate.getTime() }
}

/** How often an expired certificate is reported, in milliseconds. */
const day = 86_400_000

/** Reports `first`, then calls `replace` with each new usable pair. Returns a function that stops watching. */
export function watchCertificate(
  files: CertificateFiles,
  first: CertificatePair,
  replace: (pair: CertificatePair) => void,
  events: CertificateEvents,
): () => void {
  let served = first
  let reportedAt = Number.NEGATIVE_INFINITY
  const reportExpiry = (): void => {
    const now = Date.now()
    if (served.expiry > now || now - reportedAt < day) return
    reportedAt = now
    events.expired(served)
  }
  const serve = (pair: CertificatePair): void => {
    served = pair
    reportedAt = Number.NEGATIVE_INFINITY
    events.served(pair)
    reportExpiry()
  }
  serve(first)
  const stopWatching = watchFiles([files.certFile, files.keyFile], {
    read: ([cert = '', key = '']) => checked(cert, key),
    replace(pair) {
      replace(pair)
      serve(pair)
    },
    refused: events.refused,
  })
  const timer = setInterval(reportExpiry, 1_000).unref()
  return () => {
    stopWatching()
    clearInterval(timer)
  }
}
