/** Calls of the bucket CORS API, and the rules that are live afterwards. */

import { writeFile } from 'node:fs/promises'
import type { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { accessKeyId, secret, sign } from '../../bucket-cors/sign.ts'
import { exchange, preflight } from '../../serve/exchange.ts'
import { origin } from './sidecar.ts'

/** Flags that authorise {@link putRules}. Writes the access keys into `folder`. */
export async function apiFlags(folder: string): Promise<readonly string[]> {
  const credentials = join(folder, 'credentials.yaml')
  await writeFile(credentials, `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}"}\n`)
  return [
    ...['--dialect', 's3', '--bucket-cors-api', 'write', '--overwrite-authored'],
    ...['--credentials', credentials],
  ]
}

/** Puts rules that are identified by the `maxAge` of their preflights. Resolves with the status. */
export async function putRules(data: string, maxAge: number, agent: Agent | false = false): Promise<number> {
  const body = `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod><MaxAgeSeconds>${maxAge}</MaxAgeSeconds></CORSRule></CORSConfiguration>`
  const unsigned = { method: 'PUT', target: '/bucket?cors', host: new URL(data).host, bucket: 'bucket', body }
  const headers = { ...sign('s3', unsigned), 'Content-Length': String(Buffer.byteLength(body)) }
  const { status } = await exchange(`${data}/bucket?cors`, { method: 'PUT', headers, body, agent })
  return status
}

/** The `maxAge` of the live rules; `undefined` when the preflight is refused. */
export async function liveMaxAge(data: string, agent: Agent | false = false): Promise<number | undefined> {
  const { status, headers } = await exchange(`${data}/bucket/object`, { ...preflight(origin), agent })
  const maxAge = headers['access-control-max-age']
  return status === 200 && maxAge !== undefined ? Number(maxAge) : undefined
}

/** Milliseconds until `holds`, checked every 20 ms; `undefined`: not within `patience`. */
export async function timeUntil(
  holds: () => Promise<boolean>,
  patience: number,
): Promise<number | undefined> {
  const started = performance.now()
  while (performance.now() - started < patience) {
    if (await holds().catch(() => false)) return performance.now() - started
    await wait(20)
  }
  return undefined
}
