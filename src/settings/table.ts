/** Every setting of `serve`: its names, type, default and help text. */

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
  /** Placeholder in the help, e.g. `HOST:PORT`; a switch has `[true|false]`. */
  readonly argument: string
  /** May be given several times. */
  readonly list: boolean
  readonly help: string
  readonly value: ValueKind<T>
  readonly default: T
  /** The default in the form that people write; `undefined` when there is none. */
  readonly shownDefault: string | undefined
}

/** A setting that may be given several times. Its default is the empty list. */
interface ListSetting<T> extends Setting<T> {
  readonly list: true
}

/** A setting with its config file key, e.g. `upstreamCa`. Flag and variable derive from it. */
export interface SettingEntry extends Setting<unknown> {
  readonly name: string
}

export type SettingTable = Readonly<Record<string, Setting<unknown>>>

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
// Never 0, which means "no limit" in Node and undici: a silent peer would hold its socket forever.
const timeout = duration(10, day)
const maxWorkers = 128

/** The key is the setting's name. */
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
    'vendor whose responses are copied, unless the rule file names one',
  ),
  hostSuffix: list(
    'NAME',
    hostSuffix,
    'BUCKET.NAME in Host names the bucket; repeatable (in the variable: NAME,NAME; in the file: a list)',
  ),
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
    '?cors: leave it to the store, answer GET from the rule files, or also accept PUT and DELETE',
  ),
  /** Required by `bucketCorsApi: write`. */
  credentials: setting('FILE', optionalPath, undefined, 'file with the access keys that may call ?cors'),
  /** Only with an `https://` upstream. */
  upstreamCa: setting(
    'FILE',
    optionalPath,
    undefined,
    "certificate authority that issued the store's certificate (PEM)",
  ),
  /** Certificate and key: both or neither. */
  tlsCert: setting('FILE', optionalPath, undefined, 'TLS on the data port: certificate chain (PEM)'),
  tlsKey: setting('FILE', optionalPath, undefined, 'TLS on the data port: private key (PEM)'),
  debugHeaders: toggle('add x-cors-sidecar-decision to every response with a CORS decision'),
  headersTimeout: setting('TIME', timeout, 15_000, 'time limit for receiving the complete request headers'),
  upstreamTimeout: setting('TIME', timeout, 60_000, "time limit for the first byte of the store's response"),
  idleTimeout: setting(
    'TIME',
    timeout,
    120_000,
    'time limit for a running request with no bytes in either direction',
  ),
  maxHeaderSize: setting(
    'SIZE',
    size(1024, 1_048_576),
    16_384,
    'size limit of request line and header lines',
  ),
  forwardedFor: setting(
    forwardedForModes.join('|'),
    choice(forwardedForModes),
    'off',
    'X-Forwarded-For sent to the store; with append, a client can forge the first address in it',
  ),
  strictStart: toggle('exit with status 2 if a rule file has an error at start'),
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
    'file with the token required for the console and /-/, also from local callers',
  ),
  overwriteAuthored: toggle(
    'let PUT ?cors also replace rule files that have comments or errors, are XML or JSON, or are symbolic links',
  ),
  logLevel: setting('LEVEL', choice(logLevels), 'info', `lowest level to log: ${logLevels.join(', ')}`),
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
