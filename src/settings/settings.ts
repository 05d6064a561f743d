/**
 * The settings of `serve`: flags over environment over config file over defaults. Pure: takes texts, returns
 * settings or mistakes.
 */

import type { Upstream } from './address.ts'
import { createReader, type EffectiveSetting, type SettingReader, type SettingSources } from './reader.ts'
import {
  flagOf,
  type logLevels,
  type SettingTable,
  settingEntries,
  settingTable,
  type ValuesOf,
} from './table.ts'

export type { ListenAddress, Upstream } from './address.ts'

export type LogLevel = (typeof logLevels)[number]

/** Times are milliseconds, sizes bytes. Paths are relative to the working directory. */
export interface Settings extends Omit<ValuesOf<typeof settingTable>, 'upstream'> {
  /** Required: settings without it are rejected. */
  readonly upstream: Upstream
}

export type ReadSettings =
  | {
      readonly kind: 'settings'
      readonly settings: Settings
      readonly effective: readonly EffectiveSetting[]
    }
  /** Every mistake in every source, one line each. */
  | { readonly kind: 'issues'; readonly issues: readonly string[] }

/**
 * Reads all sources. Reports mistakes in overridden values too, because removing the override would surface them
 * later.
 */
export function readSettings(sources: SettingSources): ReadSettings {
  const reader = createReader(sources)
  const { upstream, ...settings } = readTable(settingTable, reader)
  const issues = reader.complete
    ? [...reader.issues, ...contradictions(upstream, settings, reader.places)]
    : reader.issues
  if (upstream === undefined || issues.length > 0) return { kind: 'issues', issues }
  return { kind: 'settings', settings: { upstream, ...settings }, effective: reader.effective }
}

/** `settings` with every given path resolved by `within`. */
export function locateSettings(settings: Settings, within: (path: string) => string): Settings {
  const located = Object.entries(settings).map(([name, value]): [string, unknown] => [
    name,
    pathNames.has(name) && typeof value === 'string' ? within(value) : value,
  ])
  return { ...settings, ...Object.fromEntries(located) }
}

const pathNames: ReadonlySet<string> = new Set(
  settingEntries.filter(({ value }) => value.isPath === true).map(({ name }) => name),
)

function readTable<Table extends SettingTable>(table: Table, reader: SettingReader): ValuesOf<Table>
function readTable(table: SettingTable, reader: SettingReader): Record<string, unknown> {
  const values = Object.entries(table).map(([name, setting]) => {
    const entry = { name, ...setting }
    return [name, setting.list ? reader.many(entry) : reader.one(entry)]
  })
  return Object.fromEntries(values)
}

/** Conflicts between settings. A setting with an invalid value counts as given, so that it is reported once. */
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
      '--upstream is missing: write --upstream http://HOST:PORT, set CORS_SIDECAR_UPSTREAM, or write upstream: in the config file',
    )
  if (alone('tlsCert', 'tlsKey'))
    found.push(`${place('tlsCert')}: a certificate needs its key: add --tls-key FILE`)
  if (alone('tlsKey', 'tlsCert'))
    found.push(`${place('tlsKey')}: a key needs its certificate: add --tls-cert FILE`)
  if (settings.bucketCorsApi === 'write' && !places.has('credentials'))
    found.push(
      `${place('bucketCorsApi')}: write needs access keys to verify callers: add --credentials FILE with the keys that may change the rules`,
    )
  if (places.has('upstreamCa') && upstream !== undefined && !isSecure(upstream))
    found.push(
      `${place('upstreamCa')}: --upstream is not https://, so no certificate is checked: use https://, or remove --upstream-ca`,
    )
  const { listen, admin } = settings
  if (listen.host === admin.host && listen.port === admin.port && listen.port !== 0)
    found.push(`${place('admin')}: it is the same address as --listen: use different addresses`)
  return found
}

const isSecure = (upstream: Upstream): boolean => upstream.kind === 'tcp' && upstream.secure
