/** Every setting of `serve`, once: its names, its kind of value, its default, its line of help. */

import { dialectNames } from '../dialect/named.ts'
import { hostSuffix, listenAddress, upstream } from './address.ts'
import {
  choice,
  count,
  duration,
  optionalChoice,
  optionalPath,
  path,
  size,
  type ValueKind,
  yesOrNo,
} from './value.ts'

interface Setting<T> {
  /** What stands for the value in the help, e.g. `HOST:PORT`; a switch has `[true|false]`. */
  readonly argument: string
  /** May be given several times. */
  readonly list: boolean
  readonly help: string
  readonly value: ValueKind<T>
  readonly default: T
  /** The default as one would write it, `undefined` when there is none. */
  readonly shownDefault: string | undefined
}

/** A setting that may be given several times; without it the list is empty. */
interface ListSetting<T> extends Setting<T> {
  readonly list: true
}

/** A setting with its key in the config file, e.g. `upstreamCa`; flag and variable derive from it. */
export interface SettingEntry extends Setting<unknown> {
  readonly name: string
}

export type SettingTable = Readonly<Record<string, Setting<unknown>>>

/** The values that a table's settings have when all are read. */
export type ValuesOf<Table extends SettingTable> = {
  readonly [Name in keyof Table]: Table[Name] extends ListSetting<infer T>
    ? readonly T[]
    : Table[Name] extends Setting<infer T>
      ? T
      : never
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const logFormats = ['json', 'text'] as const
export const unconfiguredChoices = ['refuse', 'forward'] as const
const bucketCorsApiModes = ['off', 'read', 'write'] as const
const forwardedForModes = ['off', 'append', 'replace'] as const

const day = 86_400_000
// Never 0, which Node and undici take for "no limit": a peer that says nothing would hold its socket for ever.
const timeout = duration(10, day)
const maxWorkers = 128

/** The key is the setting's name, written nowhere else but where it is used. */
export const settingTable = {
  upstream: setting(
    'URL',
    upstream,
    undefined,
    'the store: http://, https:// or unix:/path/to.sock (required)',
  ),
  rules: setting('DIR', path, './rules', 'the rule files, one per bucket'),
  listen: setting('HOST:PORT', listenAddress, { host: '0.0.0.0', port: 8080 }, 'the data port'),
  admin: setting('HOST:PORT', listenAddress, { host: '127.0.0.1', port: 9464 }, 'metrics, health, console'),
  dialect: setting(
    dialectNames.join('|'),
    choice(dialectNames),
    'cos',
    'whose answers to imitate where the rule file does not say',
  ),
  hostSuffix: list('NAME', hostSuffix, 'a Host of BUCKET.NAME names the bucket; repeatable'),
  unconfigured: setting(
    unconfiguredChoices.join('|'),
    choice(unconfiguredChoices),
    'refuse',
    'buckets without a rule file: refuse preflights, or leave CORS to the store',
  ),
  bucketCorsApi: setting(
    bucketCorsApiModes.join('|'),
    choice(bucketCorsApiModes),
    'read',
    '?cors: leave it to the store, answer GET from the rule files, or also take PUT and DELETE',
  ),
  /** Required by `bucketCorsApi: write`. */
  credentials: setting('FILE', optionalPath, undefined, 'access keys that may call ?cors'),
  /** Only with an `https://` upstream. */
  upstreamCa: setting('FILE', optionalPath, undefined, 'certificate authority of the store (PEM)'),
  /** Certificate and key: both or neither. */
  tlsCert: setting('FILE', optionalPath, undefined, 'TLS on the data port: certificate chain (PEM)'),
  tlsKey: setting('FILE', optionalPath, undefined, 'TLS on the data port: private key (PEM)'),
  debugHeaders: toggle('add x-cors-sidecar-decision to every answer decided here'),
  headersTimeout: setting('TIME', timeout, 15_000, 'limit until the request headers are complete'),
  upstreamTimeout: setting('TIME', timeout, 60_000, "limit until the first byte of the store's answer"),
  idleTimeout: setting('TIME', timeout, 120_000, 'limit without a byte in either direction'),
  maxHeaderSize: setting(
    'SIZE',
    size(1024, 1_048_576),
    16_384,
    'limit of the request line and the header lines',
  ),
  forwardedFor: setting(
    forwardedForModes.join('|'),
    choice(forwardedForModes),
    'off',
    'X-Forwarded-For sent to the store; only replace can be relied on for access policies',
  ),
  strictStart: toggle('exit 2 when any rule file has an error'),
  candidateRules: setting(
    'DIR',
    optionalPath,
    undefined,
    'rules to compare with the active ones; never enforced',
  ),
  adminTokenFile: setting(
    'FILE',
    optionalPath,
    undefined,
    'token that the console and /-/ then need, from local callers too',
  ),
  overwriteAuthored: toggle('PUT ?cors may replace rule files that people wrote'),
  logLevel: setting(
    'LEVEL',
    choice(logLevels),
    'info',
    `lowest level that is logged: ${logLevels.join(', ')}`,
  ),
  logFormat: setting(
    logFormats.join('|'),
    optionalChoice(logFormats),
    undefined,
    'log lines as JSON or as text (default: text on a terminal, else json)',
  ),
  drainTimeout: setting('TIME', duration(0, day), 30_000, 'how long running requests may take after SIGTERM'),
  workers: setting('N', count(1, maxWorkers), 1, 'processes that share the data port'),
}

export const settingEntries: readonly SettingEntry[] = Object.entries(settingTable).map(([name, entry]) => ({
  name,
  ...entry,
}))

/** `upstreamCa` → `--upstream-ca` */
export const flagOf = (name: string): string =>
  `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** `upstreamCa` → `CORS_SIDECAR_UPSTREAM_CA` */
export const variableOf = (name: string): string =>
  `${variablePrefix}${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

export const variablePrefix = 'CORS_SIDECAR_'

function setting<T>(argument: string, kind: ValueKind<T>, initial: T, help: string): Setting<T> {
  const shownDefault = initial === undefined ? undefined : kind.show(initial)
  return { argument: `<${argument}>`, list: false, help, value: kind, default: initial, shownDefault }
}

function toggle(help: string): Setting<boolean> {
  return { ...setting('', yesOrNo, false, help), argument: '[true|false]', shownDefault: undefined }
}

function list(argument: string, kind: ValueKind<string>, help: string): ListSetting<string> {
  return { ...setting(argument, kind, '', help), list: true, shownDefault: undefined }
}
