/** Logs changes of the TLS files, and exports the expiry of the certificate as a metric. */

import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { CertificateEvents } from '../proxy/certificate.ts'
import { type Authorities, checkAuthorities } from '../proxy/connect.ts'
import { watchFiles } from '../proxy/watch-files.ts'
import type { Settings } from '../settings/settings.ts'
import { readText } from './start-problem.ts'

/** The current text of `--upstream-ca`. Rejects with StartProblem when the file cannot be read. */
export async function followAuthorities(
  { upstreamCa: file }: Settings,
  log: Log,
): Promise<{ readonly current: Authorities; readonly stop: () => void }> {
  if (file === undefined) return { current: () => undefined, stop: () => {} }
  let text = await readText('--upstream-ca', file)
  const stop = watchFiles([file], {
    read: ([pem = '']) => checkAuthorities(pem),
    replace(pem) {
      text = pem
      log.info('--upstream-ca has changed: new connections to the store trust the new authorities', {
        'tls.ca': file,
      })
    },
    refused: (error) =>
      log.error('the new --upstream-ca file is unusable; the old CAs stay trusted: fix the file', {
        error,
        'tls.ca': file,
      }),
  })
  return { current: () => text, stop }
}

/** Logs changes of the certificate of the data port. With `--tls-cert`, also registers the certificate's expiry as a metric. */
export function followCertificate(
  { tlsCert, tlsKey }: Settings,
  { log, metrics }: { readonly log: Log; readonly metrics: Pick<Metrics, 'register'> },
): CertificateEvents {
  const fields = { 'tls.certificate': tlsCert, 'tls.key': tlsKey }
  const until = (expiry: number) => ({ ...fields, 'tls.not_after': new Date(expiry).toISOString() })
  let served: number | undefined
  if (tlsCert !== undefined)
    metrics.register(() => ({
      name: 'cors_sidecar_tls_certificate_expiry_timestamp_seconds',
      help: 'When the certificate of the data port expires, in seconds since 1970.',
      type: 'gauge',
      aggregator: 'min',
      samples: served === undefined ? [] : [{ suffix: '', labels: {}, value: served / 1000 }],
    }))
  return {
    served({ expiry }) {
      if (served !== undefined)
        log.info('the data port now uses the new certificate from --tls-cert', until(expiry))
      served = expiry
    },
    expired: ({ expiry }) =>
      log.error(
        'the certificate of --tls-cert has expired and clients reject it: replace the file',
        until(expiry),
      ),
    refused: (error) =>
      log.error('the new certificate in --tls-cert is unusable; still using the old one: fix the file', {
        ...fields,
        error,
      }),
  }
}
