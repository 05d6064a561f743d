import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createIsBucketMissing } from '../bucket-cors/ask-bucket.ts'
import { createAskStore } from '../bucket-cors/ask-store.ts'
import { type BucketCorsApi, createBucketCorsApi } from '../bucket-cors/bucket-cors.ts'
import { followCredentials } from '../bucket-cors/credentials-file.ts'
import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Setup } from '../plan/judge.ts'
import { type Authorities, createConnect } from '../proxy/connect.ts'
import { createForwarder, type Forwarder } from '../proxy/forward.ts'
import { createListener, type Listener, type ListenerOptions } from '../proxy/listen.ts'
import { bytesForClients, createMemoryBudget, type MemoryBudget, readMemory } from '../proxy/memory-budget.ts'
import type { ReloadResult } from '../rules/reload-result.ts'
import type { Settings } from '../settings/settings.ts'
import { createGateway, type GatewayOptions } from './gateway.ts'
import { listening, reasonOf, StartProblem } from './start-problem.ts'
import { followAuthorities, followCertificate } from './tls-files.ts'

/** Everything that serves the data port in one process. */
export interface DataPath {
  /** Rejects with {@link StartProblem} when the address is unavailable. */
  listen(): Promise<AddressInfo>
  /** Lets running requests finish within `timeout` milliseconds, then closes everything. */
  drain(timeout: number): Promise<void>
}

interface DataPathParts extends Pick<GatewayOptions, 'rules' | 'finished' | 'failed'> {
  readonly log: Log
  readonly metrics: Pick<Metrics, 'register'>
  /** Reloads after a change by the bucket CORS API. Resolves once every worker serves the result. */
  readonly reload: () => Promise<ReloadResult>
}

/** Rejects with {@link StartProblem} when a setting is unusable. */
export async function openDataPath(settings: Settings, parts: DataPathParts): Promise<DataPath> {
  const { rules, finished, failed, log, reload } = parts
  const memory = createMemoryBudget(bytesForClients(readMemory(settings.workers)))
  const authorities = await followAuthorities(settings, log)
  const forwarder = openForwarder(settings, authorities.current, memory, failed)
  const answerBucketCors = await openBucketCorsApi(settings, authorities.current, log, reload)
  const setup = setupOf(settings)
  const gateway = createGateway({ setup, rules, forwarder, answerBucketCors, finished, failed })
  const certificate = followCertificate(settings, parts)
  const listener = openListener(settings, gateway, { memory, failed, certificate })
  const { host, port } = settings.listen
  return {
    listen: () => listening('--listen', settings.listen, () => listener.listen(host, port)),
    async drain(timeout) {
      await listener.drain(timeout)
      // Two turns of the event loop: an aborted connection is reported, and its request logged, only after them.
      await nextTurn()
      await nextTurn()
      authorities.stop()
      await forwarder.close()
    },
  }
}

export const setupOf = ({
  dialect,
  hostSuffix,
  unconfigured,
  bucketCorsApi,
  debugHeaders,
}: Settings): Setup => ({ dialect, hostSuffixes: hostSuffix, unconfigured, bucketCorsApi, debugHeaders })

function openForwarder(
  settings: Settings,
  upstreamCa: Authorities,
  memory: MemoryBudget,
  failed: (error: unknown) => void,
): Forwarder {
  const { upstream, upstreamTimeout, idleTimeout, forwardedFor } = settings
  try {
    return createForwarder({
      upstream,
      upstreamCa,
      upstreamTimeout,
      idleTimeout,
      forwardedFor,
      memory,
      failed,
    })
  } catch (error) {
    throw new StartProblem([`--upstream-ca ${settings.upstreamCa}: ${reasonOf(error)}`])
  }
}

async function openBucketCorsApi(
  settings: Settings,
  ca: Authorities,
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
  const connect = createConnect({ upstream, ca, timeout })
  return createBucketCorsApi({
    directory: settings.rules,
    overwriteAuthored: settings.overwriteAuthored,
    keys,
    isBucketMissing: createIsBucketMissing(connect, timeout),
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
  parts: Pick<ListenerOptions, 'memory' | 'failed' | 'certificate'>,
): Listener {
  const { headersTimeout, idleTimeout, maxHeaderSize, tlsCert, tlsKey } = settings
  const tls =
    tlsCert === undefined || tlsKey === undefined ? undefined : { certFile: tlsCert, keyFile: tlsKey }
  try {
    return createListener({ headersTimeout, idleTimeout, maxHeaderSize, tls, ...parts }, gateway)
  } catch (error) {
    throw new StartProblem([`--tls-cert ${tlsCert}, --tls-key ${tlsKey}: ${reasonOf(error)}`])
  }
}
