/** Every setting of `serve`, once: its names, its kind of value, its default, its line of help. */

import { dialectNames } from '../dialect/named.ts'
import { hostSuffix, listenAddress, upstream } from './address.ts'
import { choice, count, duration, optionalPath, path, size, type ValueKind, yesOrNo } from './value.ts'

/** What is known of a setting without its type. */
export interface SettingEntry {
  /** Its key in the config file, e.g. `upstreamCa`; flag and variable derive from it. */
  readonly name: string
  /** What stands for the value in the help, e.g. `HOST:PORT`; a switch has `[true|false]`. */
  readonly argument: string
  /** May be given several times. */
  readonly list: boolean
  readonly help: string
  /** The default as one would write it, `undefined` when there is none. */
  readonly shownPreset: string | undefined
}

export interface Setting<T> extends SettingEntry {
  readonly value: ValueKind<T>
  readonly preset: T
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export const unconfiguredChoices = ['refuse', 'forward'] as const
export const bucketCorsApiModes = ['off', 'read', 'write'] as const
export const forwardedForModes = ['off', 'append', 'replace'] as const

const day = 86_400_000
// Never 0, which Node and undici take for "no limit": a peer that says nothing would hold its socket for ever.
const timeout = duration(10, day)
const maxWorkers = 128

export const settingTable = {
  upstream: setting(
    'upstream',
    'URL',
    upstream,
    undefined,
    'the store: http://, https:// or unix:/path/to.sock (required)',
  ),
  rules: setting('rules', 'DIR', path, './rules', 'the rule files, one per bucket'),
  listen: setting('listen', 'HOST:PORT', listenAddress, { host: '0.0.0.0', port: 8080 }, 'the data port'),
  admin: setting(
    'admin',
    'HOST:PORT',
    listenAddress,
    { host: '127.0.0.1', port: 9464 },
    'metrics, health, console',
  ),
  dialect: setting(
    'dialect',
    dialectNames.join('|'),
    choice(dialectNames),
    'cos',
    'how answers are worded, where the rule file does not say',
  ),
  hostSuffix: list('hostSuffix', 'NAME', hostSuffix, 'BUCKET.NAME in Host names the bucket; repeatable'),
  unconfigured: setting(
    'unconfigured',
    unconfiguredChoices.join('|'),
    choice(unconfiguredChoices),
    'refuse',
    'buckets without a rule file: refuse their preflights, or leave them to the store',
  ),
  bucketCorsApi: setting(
    'bucketCorsApi',
    bucketCorsApiModes.join('|'),
    choice(bucketCorsApiModes),
    'read',
    'who answers ?cors',
  ),
  credentials: setting('credentials', 'FILE', optionalPath, undefined, 'access keys that may call ?cors'),
  upstreamCa: setting(
    'upstreamCa',
    'FILE',
    optionalPath,
    undefined,
    'certificate authority of the store (PEM)',
  ),
  tlsCert: setting(
    'tlsCert',
    'FILE',
    optionalPath,
    undefined,
    'TLS on the data port: certificate chain (PEM)',
  ),
  tlsKey: setting('tlsKey', 'FILE', optionalPath, undefined, 'TLS on the data port: private key (PEM)'),
  debugHeaders: toggle('debugHeaders', 'add x-cors-sidecar-decision to what is decided here'),
  headersTimeout: setting('headersTimeout', 'TIME', timeout, 15_000, 'request headers complete'),
  upstreamTimeout: setting('upstreamTimeout', 'TIME', timeout, 60_000, "first byte of the store's answer"),
  idleTimeout: setting('idleTimeout', 'TIME', timeout, 120_000, 'no byte either way'),
  maxHeaderSize: setting(
    'maxHeaderSize',
    'SIZE',
    size(1024, 1_048_576),
    16_384,
    'request line and header lines',
  ),
  forwardedFor: setting(
    'forwardedFor',
    forwardedForModes.join('|'),
    choice(forwardedForModes),
    'off',
    'X-Forwarded-For towards the store',
  ),
  strictStart: toggle('strictStart', 'exit 2 when any rule file has an error'),
  candidateRules: setting(
    'candidateRules',
    'DIR',
    optionalPath,
    undefined,
    'rules to compare with the active ones, never enforced',
  ),
  adminTokenFile: setting(
    'adminTokenFile',
    'FILE',
    optionalPath,
    undefined,
    'bearer token that opens the console to callers from elsewhere',
  ),
  overwriteAuthored: toggle('overwriteAuthored', 'PUT ?cors may replace rule files that people wrote'),
  logLevel: setting(
    'logLevel',
    'LEVEL',
    choice(logLevels),
    'info',
    `least severe log line that is written: ${logLevels.join(', ')}`,
  ),
  drainTimeout: setting(
    'drainTimeout',
    'TIME',
    duration(0, day),
    30_000,
    'how long running requests may take to end after SIGTERM',
  ),
  workers: setting('workers', 'N', count(1, maxWorkers), 1, 'processes that share the data port'),
}

export const settingEntries: readonly SettingEntry[] = Object.values(settingTable)

/** `upstreamCa` → `--upstream-ca` */
export const flagOf = (name: string): string =>
  `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** `upstreamCa` → `CORS_SIDECAR_UPSTREAM_CA` */
export const variableOf = (name: string): string =>
  `${variablePrefix}${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

export const variablePrefix = 'CORS_SIDECAR_'

function setting<T>(name: string, argument: string, kind: ValueKind<T>, preset: T, help: string): Setting<T> {
  const shownPreset = preset === undefined ? undefined : kind.show(preset)
  return { name, argument: `<${argument}>`, list: false, help, shownPreset, value: kind, preset }
}

function toggle(name: string, help: string): Setting<boolean> {
  return { ...setting(name, '', yesOrNo, false, help), argument: '[true|false]', shownPreset: undefined }
}

function list(name: string, argument: string, kind: ValueKind<string>, help: string): Setting<string> {
  return { ...setting(name, argument, kind, '', help), list: true, shownPreset: undefined }
}
