import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createMissesBucket } from '../bucket-cors/ask-bucket.ts'
import { createAskStore } from '../bucket-cors/ask-store.ts'
import { type BucketCorsApi, createBucketCorsApi } from '../bucket-cors/bucket-cors.ts'
import { followCredentials } from '../bucket-cors/credentials-file.ts'
import type { Log } from '../log/log.ts'
import type { Setup } from '../plan/judge.ts'
import { createConnect } from '../proxy/connect.ts'
import { createForwarder, type Forwarder } from '../proxy/forward.ts'
import { createListener, type Listener, type ListenerOptions } from '../proxy/listen.ts'
import type { ReloadResult } from '../rules/reload-result.ts'
import type { Settings } from '../settings/settings.ts'
import { createGateway, type GatewayOptions } from './gateway.ts'
import { listening, messageOf, readText, StartProblem } from './start-problem.ts'

/** Everything that serves the data port, in one process. */
export interface DataPath {
  /** Rejects with {@link StartProblem} when the address cannot be had. */
  listen(): Promise<AddressInfo>
  /** Lets what is under way finish within `timeout` milliseconds, then closes everything. */
  drain(timeout: number): Promise<void>
}

export interface DataPathParts extends Pick<GatewayOptions, 'rules' | 'finished' | 'failed'> {
  readonly log: Log
  /** Takes what the bucket CORS API has written. Resolves once everybody who serves does. */
  readonly reload: () => Promise<ReloadResult>
}

/** Rejects with {@link StartProblem} when a setting turns out to be unusable. */
export async function openDataPath(settings: Settings, parts: DataPathParts): Promise<DataPath> {
  const { rules, finished, failed, log, reload } = parts
  const forwarder = await openForwarder(settings, failed)
  const answerBucketCors = await openBucketCorsApi(settings, log, reload)
  const setup = setupOf(settings)
  const gateway = createGateway({ setup, rules, forwarder, answerBucketCors, finished, failed })
  const certificateRefused = (error: unknown): void =>
    log.error('the new certificate of --tls-cert cannot be used; the old one stays', {
      error,
      'tls.certificate': settings.tlsCert,
      'tls.key': settings.tlsKey,
    })
  const listener = openListener(settings, gateway, { failed, certificateRefused })
  const { host, port } = settings.listen
  return {
    listen: () => listening('--listen', settings.listen, () => listener.listen(host, port)),
    async drain(timeout) {
      await listener.drain(timeout)
      // A connection that was broken off tells so a turn of the event loop later: its request is logged then.
      await nextTurn()
      await nextTurn()
      await forwarder.close()
    },
  }
}

/** What decisions depend on beside the rules. */
export const setupOf = ({
  dialect,
  hostSuffixes,
  unconfigured,
  bucketCorsApi,
  debugHeaders,
}: Settings): Setup => ({ dialect, hostSuffixes, unconfigured, bucketCorsApi, debugHeaders })

async function openForwarder(settings: Settings, failed: (error: unknown) => void): Promise<Forwarder> {
  const { upstream, upstreamTimeout, idleTimeout, forwardedFor } = settings
  const upstreamCa = await upstreamCaOf(settings)
  try {
    return createForwarder({ upstream, upstreamCa, upstreamTimeout, idleTimeout, forwardedFor, failed })
  } catch (error) {
    throw new StartProblem([`--upstream-ca ${settings.upstreamCa}: ${messageOf(error)}`])
  }
}

async function upstreamCaOf({ upstreamCa }: Settings): Promise<string | undefined> {
  return upstreamCa === undefined ? undefined : await readText('--upstream-ca', upstreamCa)
}

async function openBucketCorsApi(
  settings: Settings,
  log: Log,
  reload: () => Promise<ReloadResult>,
): Promise<BucketCorsApi> {
  const { upstream, upstreamTimeout: timeout, credentials, forwardedFor } = settings
  const problems: string[] = []
  const keys =
    credentials === undefined
      ? undefined
      : followCredentials(credentials, (lines) => {
          problems.push(...lines)
          for (const line of lines) log.error(line)
        })
  if (keys !== undefined && (await keys()) === undefined) throw new StartProblem(problems)
  const ca = await upstreamCaOf(settings)
  const connect = createConnect({ upstream, ca, timeout })
  return createBucketCorsApi({
    directory: settings.rules,
    overwriteAuthored: settings.overwriteAuthored,
    keys,
    missesBucket: createMissesBucket(connect, timeout),
    askStore: createAskStore({
      connect,
      timeout,
      forwardedFor,
    }),
    reload,
    bodyTimeout: settings.headersTimeout,
    audit: (entry) => log.info('bucket CORS changed', { ...entry }),
    refused: (entry) => log.info('bucket CORS change refused', { ...entry }),
    now: Date.now,
  })
}

function openListener(
  settings: Settings,
  gateway: ReturnType<typeof createGateway>,
  told: Pick<ListenerOptions, 'failed' | 'certificateRefused'>,
): Listener {
  const { headersTimeout, idleTimeout, maxHeaderSize, tlsCert, tlsKey } = settings
  const tls =
    tlsCert === undefined || tlsKey === undefined ? undefined : { certFile: tlsCert, keyFile: tlsKey }
  try {
    return createListener({ headersTimeout, idleTimeout, maxHeaderSize, tls, ...told }, gateway)
  } catch (error) {
    throw new StartProblem([`--tls-cert ${tlsCert}, --tls-key ${tlsKey}: ${messageOf(error)}`])
  }
}
