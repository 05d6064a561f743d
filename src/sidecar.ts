import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createAdmin } from './admin/admin.ts'
import { createDenials } from './admin/denials.ts'
import { createAskStore } from './bucket-cors/ask-store.ts'
import { followCredentials } from './bucket-cors/credentials-file.ts'
import { type BucketCorsApi, createBucketCorsApi } from './bucket-cors.ts'
import { createGateway } from './gateway.ts'
import { createLog, type Log } from './log.ts'
import { createMetrics } from './metrics.ts'
import type { Setup } from './plan.ts'
import { createConnect } from './proxy/connect.ts'
import { createForwarder, type Forwarder } from './proxy/forward.ts'
import { createListener, type Listener } from './proxy/listen.ts'
import type { ReloadCause, ReloadResult } from './rules/reload-result.ts'
import { createRulesStore } from './rules/store.ts'
import { watchRules } from './rules/watch.ts'
import type { Settings } from './settings.ts'
import { programVersion } from './version.ts'

/** A running sidecar: both ports accept, the rules are loaded and watched. */
export interface Sidecar {
  readonly dataAddress: AddressInfo
  readonly adminAddress: AddressInfo
  readonly log: Log
  reload(cause: ReloadCause): Promise<ReloadResult>
  /** Turns `/readyz` to 503, lets what is under way finish within `drainTimeout`, then closes everything. */
  drain(): Promise<void>
  /** Closes everything at once. */
  close(): Promise<void>
}

/** Why a sidecar cannot start, in lines that tell its user what to change. */
export class StartProblem extends Error {
  readonly lines: readonly string[]
  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

/** Puts everything together. Rejects with {@link StartProblem} when a setting turns out to be unusable. */
export async function startSidecar(settings: Settings): Promise<Sidecar> {
  const version = programVersion()
  const log = createLog({ level: settings.logLevel })
  const metrics = createMetrics({ version })
  const denials = createDenials()
  const failed = (error: unknown): void => log.error('a request failed for a fault of ours', { error })

  const store = createRulesStore({ directory: settings.rules, dialect: settings.dialect })
  store.subscribe((result) => {
    metrics.reload(result, Date.now())
    logReload(log, settings.rules, result)
  })
  const first = await store.reload('start')
  refuseStart(settings, first)

  const setup: Setup = {
    dialect: settings.dialect,
    hostSuffixes: settings.hostSuffixes,
    unconfigured: settings.unconfigured,
    bucketCorsApi: settings.bucketCorsApi,
    debugHeaders: settings.debugHeaders,
  }
  const forwarder = await openForwarder(settings, failed)
  const gateway = createGateway({
    setup,
    rules: store.current,
    forwarder,
    answerBucketCors: await openBucketCorsApi(settings, log, () => store.reload('bucket-cors')),
    finished(exchange) {
      metrics.finished(exchange)
      log.request(exchange)
      denials.add(exchange)
    },
    failed,
  })
  const listener = openListener(settings, gateway, failed)
  let state: 'starting' | 'ready' | 'draining' = 'starting'
  let dataAddress: AddressInfo | undefined
  const admin = createAdmin({
    rules: store.current,
    reload: async () => (await store.reload('request')).result,
    setup,
    endpoint: () => endpointOf(settings, dataAddress),
    metrics,
    denials,
    log,
    health: { live: () => state !== 'starting', ready: () => state === 'ready' },
    tokenFile: settings.adminTokenFile,
    version,
  })
  const adminAddress = await listening('--admin', settings.admin, () => admin.listen(settings.admin))
  try {
    const { host, port } = settings.listen
    dataAddress = await listening('--listen', settings.listen, () => listener.listen(host, port))
  } catch (error) {
    await admin.close()
    throw error
  }
  const watch = watchRules(settings.rules, (hint) => void store.reload(hint), {
    onTrouble: ({ message, ...fields }) => log.warn(message, fields),
  })
  state = 'ready'

  const drain = async (timeout: number): Promise<void> => {
    state = 'draining'
    await watch.close()
    await listener.drain(timeout)
    await forwarder.close()
    await admin.close()
  }
  return {
    dataAddress,
    adminAddress,
    log,
    reload: store.reload,
    drain: () => drain(settings.drainTimeout),
    close: () => drain(0),
  }
}

function refuseStart(settings: Settings, { failure, snapshot }: ReloadResult): void {
  if (snapshot.generation === 0)
    throw new StartProblem([
      `--rules ${settings.rules}: the directory cannot be read: ${failure ?? 'it changes all the time'}`,
    ])
  if (!settings.strictStart) return
  const errors = snapshot.files
    .flatMap(({ findings }) => findings)
    .filter(({ severity }) => severity === 'error')
    .map(({ file, line, column, code, message }) => `${file}:${line}:${column}: error ${code}: ${message}`)
  if (errors.length > 0) throw new StartProblem([...errors, '--strict-start: a rule file has an error'])
}

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
  const { upstream, upstreamTimeout: timeout, credentials } = settings
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
  return createBucketCorsApi({
    directory: settings.rules,
    overwriteAuthored: settings.overwriteAuthored,
    keys,
    askStore: createAskStore({ connect: createConnect({ upstream, ca, timeout }), timeout }),
    reload,
    bodyTimeout: settings.headersTimeout,
    audit: (entry) => log.info('bucket CORS changed', { ...entry }),
    now: Date.now,
  })
}

function openListener(
  settings: Settings,
  gateway: ReturnType<typeof createGateway>,
  failed: (error: unknown) => void,
): Listener {
  const { headersTimeout, idleTimeout, maxHeaderSize, tlsCert, tlsKey } = settings
  const tls =
    tlsCert === undefined || tlsKey === undefined ? undefined : { certFile: tlsCert, keyFile: tlsKey }
  try {
    return createListener({ headersTimeout, idleTimeout, maxHeaderSize, tls, failed }, gateway)
  } catch (error) {
    throw new StartProblem([`--tls-cert ${tlsCert}, --tls-key ${tlsKey}: ${messageOf(error)}`])
  }
}

async function readText(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new StartProblem([`${flag} ${file}: the file cannot be read: ${messageOf(error)}`])
  }
}

async function listening(
  flag: string,
  { host, port }: Settings['listen'],
  listen: () => Promise<AddressInfo>,
): Promise<AddressInfo> {
  try {
    return await listen()
  } catch (error) {
    throw new StartProblem([
      `${flag} ${host.includes(':') ? `[${host}]` : host}:${port}: ${listenProblem(error)}`,
    ])
  }
}

function listenProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is in use: stop what listens there, or give another port'
    case 'EADDRNOTAVAIL':
      return 'no interface of this machine has this address'
    case 'EACCES':
      return 'listening on this port is not permitted: give one above 1023'
    case 'ENOTFOUND':
      return 'the host name cannot be resolved: give an address'
    default:
      return messageOf(error)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Where a caller on this machine reaches the data port. */
function endpointOf(settings: Settings, address: AddressInfo | undefined): string {
  const { host } = settings.listen
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${settings.tlsCert === undefined ? 'http' : 'https'}://${name}:${address?.port ?? settings.listen.port}`
}

/** One line for the reload, one for each finding: an error is logged with its place, whatever else changed. */
function logReload(log: Log, directory: string, result: ReloadResult): void {
  for (const { file, line, column, severity, code, message } of result.findings)
    if (severity !== 'info')
      log[severity === 'error' ? 'error' : 'warn'](message, { 'code.file.path': file, line, column, code })
  const fields = {
    cause: result.cause,
    generation: result.snapshot.generation,
    changes: result.changes
      .slice(0, 20)
      .map(({ file, before, after }) => `${file}: ${before ?? 'new'} to ${after ?? 'gone'}`),
    ...(result.failure === undefined ? {} : { failure: result.failure }),
  }
  if (result.failure !== undefined)
    log.error(`the rules directory ${directory} cannot be used; the rules stay as they are`, fields)
  else if (result.changes.length > 0) log.info(`rules ${result.result}`, fields)
  else log.debug('rules unchanged', fields)
}
