/** The settings of `serve`: flags over environment over config file over defaults. Pure: texts in, settings or issues out. */

import type { DialectName } from '../cors/rule.ts'
import type { ListenAddress, Upstream } from './address.ts'
import { createReader, type EffectiveSetting, type SettingSources } from './reader.ts'
import {
  type bucketCorsApiModes,
  flagOf,
  type forwardedForModes,
  type logFormats,
  type logLevels,
  settingTable,
  type unconfiguredChoices,
} from './table.ts'

export type { ListenAddress, Upstream } from './address.ts'

export type LogLevel = (typeof logLevels)[number]

/** What `serve` runs with. Times are milliseconds, sizes bytes, files and directories relative to the working directory. */
export interface Settings {
  readonly upstream: Upstream
  readonly rules: string
  readonly listen: ListenAddress
  readonly admin: ListenAddress
  readonly dialect: DialectName
  /** Lower case, without a dot before or after, none twice. */
  readonly hostSuffixes: readonly string[]
  readonly unconfigured: (typeof unconfiguredChoices)[number]
  /** `write` only with `credentials`. */
  readonly bucketCorsApi: (typeof bucketCorsApiModes)[number]
  readonly credentials: string | undefined
  /** Only with an `https://` upstream. */
  readonly upstreamCa: string | undefined
  /** Both or neither. */
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly debugHeaders: boolean
  readonly headersTimeout: number
  readonly upstreamTimeout: number
  readonly idleTimeout: number
  readonly maxHeaderSize: number
  readonly forwardedFor: (typeof forwardedForModes)[number]
  readonly strictStart: boolean
  readonly candidateRules: string | undefined
  readonly adminTokenFile: string | undefined
  readonly overwriteAuthored: boolean
  readonly logLevel: LogLevel
  /** `undefined`: text on a terminal, else JSON. */
  readonly logFormat: (typeof logFormats)[number] | undefined
  /** 0: nothing is waited for. */
  readonly drainTimeout: number
  /** 1 to 128. */
  readonly workers: number
}

export type ReadSettings =
  | {
      readonly kind: 'settings'
      readonly settings: Settings
      readonly effective: readonly EffectiveSetting[]
    }
  /** Every mistake in every source, one line each. */
  | { readonly kind: 'issues'; readonly issues: readonly string[] }

/** Reads all sources. A mistake counts even where another source overrides it: a later change would bring it up. */
export function readSettings(sources: SettingSources): ReadSettings {
  const reader = createReader(sources)
  const { one, many } = reader
  const upstream = one(settingTable.upstream)
  const settings: Omit<Settings, 'upstream'> = {
    rules: one(settingTable.rules),
    listen: one(settingTable.listen),
    admin: one(settingTable.admin),
    dialect: one(settingTable.dialect),
    hostSuffixes: many(settingTable.hostSuffix),
    unconfigured: one(settingTable.unconfigured),
    bucketCorsApi: one(settingTable.bucketCorsApi),
    credentials: one(settingTable.credentials),
    upstreamCa: one(settingTable.upstreamCa),
    tlsCert: one(settingTable.tlsCert),
    tlsKey: one(settingTable.tlsKey),
    debugHeaders: one(settingTable.debugHeaders),
    headersTimeout: one(settingTable.headersTimeout),
    upstreamTimeout: one(settingTable.upstreamTimeout),
    idleTimeout: one(settingTable.idleTimeout),
    maxHeaderSize: one(settingTable.maxHeaderSize),
    forwardedFor: one(settingTable.forwardedFor),
    strictStart: one(settingTable.strictStart),
    candidateRules: one(settingTable.candidateRules),
    adminTokenFile: one(settingTable.adminTokenFile),
    overwriteAuthored: one(settingTable.overwriteAuthored),
    logLevel: one(settingTable.logLevel),
    logFormat: one(settingTable.logFormat),
    drainTimeout: one(settingTable.drainTimeout),
    workers: one(settingTable.workers),
  }
  const issues = reader.complete
    ? [...reader.issues, ...contradictions(upstream, settings, reader.places)]
    : reader.issues
  if (upstream === undefined || issues.length > 0) return { kind: 'issues', issues }
  return { kind: 'settings', settings: { upstream, ...settings }, effective: reader.effective }
}

/** What no value says alone. A setting that was given wrongly is given: its own message is enough. */
function contradictions(
  upstream: Upstream | undefined,
  settings: Omit<Settings, 'upstream'>,
  places: ReadonlyMap<string, string>,
): string[] {
  const found: string[] = []
  const place = (name: string): string => places.get(name) ?? flagOf(name)
  const alone = (name: string, other: string): boolean => places.has(name) && !places.has(other)
  if (!places.has('upstream'))
    found.push(
      '--upstream: the store is not given: write --upstream http://HOST:PORT, set CORS_SIDECAR_UPSTREAM, or write upstream: in the config file',
    )
  if (alone('tlsCert', 'tlsKey'))
    found.push(`${place('tlsCert')}: a certificate needs its key: give --tls-key FILE too`)
  if (alone('tlsKey', 'tlsCert'))
    found.push(`${place('tlsKey')}: a key needs its certificate: give --tls-cert FILE too`)
  if (settings.bucketCorsApi === 'write' && !places.has('credentials'))
    found.push(
      `${place('bucketCorsApi')}: write would let anybody change the rules: give --credentials FILE, the keys that may`,
    )
  if (places.has('upstreamCa') && upstream !== undefined && !isSecure(upstream))
    found.push(
      `${place('upstreamCa')}: the store is not reached by TLS, so no certificate is looked at: write https:// in --upstream, or leave it out`,
    )
  const { listen, admin } = settings
  if (listen.host === admin.host && listen.port === admin.port && listen.port !== 0)
    found.push(`${place('admin')}: it is the address of --listen: give the two ports different addresses`)
  return found
}

const isSecure = (upstream: Upstream): boolean => upstream.kind === 'tcp' && upstream.secure
