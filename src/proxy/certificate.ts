/** The certificate of the data port, read again when its files change. */

import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

/** How often the files are looked at, in milliseconds. */
const interval = 1_000

/** Reads the pair at start. Throws when a file cannot be read or the two do not belong together. */
export function readCertificate(files: CertificateFiles): CertificatePair {
  return checked({ cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') })
}

function checked(pair: CertificatePair): CertificatePair {
  createSecureContext(pair)
  return pair
}

/**
 * Calls `replace` with each new pair. A pair that cannot be used is told to `refused`, once, and the old one stays; it
 * is tried again all the same, as what was wrong (no more files to open) may pass without a change of it.
 * Files are compared by what they lead to, so that the swapped links of a Kubernetes secret are seen. Returns the
 * function that ends the watch.
 */
export function watchCertificate(
  files: CertificateFiles,
  replace: (pair: CertificatePair) => void,
  refused: (error: unknown) => void,
): () => void {
  let seen: string | undefined
  let told: string | undefined
  let busy = true
  const look = async (): Promise<void> => {
    const now = await mark(files)
    if (seen === undefined || now === seen) {
      seen = now
      return
    }
    try {
      const [cert, key] = await Promise.all([
        readFile(files.certFile, 'utf8'),
        readFile(files.keyFile, 'utf8'),
      ])
      replace(checked({ cert, key }))
      seen = now
    } catch (error) {
      if (now !== told) refused(error)
      told = now
    }
  }
  const rest = (): void => {
    busy = false
  }
  look().finally(rest)
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    look().finally(rest)
  }, interval)
  timer.unref()
  return () => clearInterval(timer)
}

/** Tells two states of the files apart. A file that is missing is a state like any other. */
async function mark({ certFile, keyFile }: CertificateFiles): Promise<string> {
  const states = await Promise.all(
    [certFile, keyFile].map(async (file) => {
      try {
        const { ino, size, mtimeMs } = await stat(file)
        return `${ino} ${size} ${mtimeMs}`
      } catch {
        return 'missing'
      }
    }),
  )
  return states.join(', ')
}
