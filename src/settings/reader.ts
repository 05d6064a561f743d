/** Reads settings from all sources, and records mistakes and where each setting came from. */

import type { Source } from '../rule-file/source.ts'
import {
  type Environment,
  type Flags,
  type Given,
  readConfig,
  readEnvironment,
  readFlags,
  unreadable,
} from './sources.ts'
import type { SettingEntry } from './table.ts'
import { defect, type Reading, type ValueKind } from './value.ts'

export interface SettingSources {
  readonly flags: Flags
  readonly environment: Environment
  readonly config: ConfigContent | undefined
}

/** The content of the config file, parsed by `readYamlTree`, or one line that says why there is none. */
export type ConfigContent =
  | { readonly file: string; readonly text: string; readonly source: Source }
  | { readonly issue: string }

/** One effective setting as text, with its source. `texts` is empty when it is not set. */
export interface EffectiveSetting {
  readonly name: string
  readonly list: boolean
  readonly texts: readonly string[]
  readonly place: string
}

export interface SettingReader {
  one(setting: SettingEntry): unknown
  many(setting: SettingEntry): readonly unknown[]
  /** Grows as settings are read. */
  readonly issues: string[]
  readonly effective: EffectiveSetting[]
  /** Every source could be read. Otherwise a setting that seems missing may be in an unreadable source. */
  readonly complete: boolean
  /** Where each given setting was found, valid or not. */
  readonly places: Map<string, string>
}

export function createReader(sources: SettingSources): SettingReader {
  const { flags, environment, config } = sources
  const contents = [
    readFlags(flags),
    readEnvironment(environment),
    ...(config === undefined ? [] : ['issue' in config ? unreadable([config.issue]) : readConfig(config)]),
  ]
  const issues = contents.flatMap((content) => content.issues)
  const effective: EffectiveSetting[] = []
  const places = new Map<string, string>()
  const readAll = ({ name, value }: SettingEntry): readonly unknown[] | undefined => {
    const readings = contents.flatMap(({ given }) => {
      const texts = given.get(name)
      return texts === undefined ? [] : [texts.map((text) => ({ ...text, reading: readGiven(value, text) }))]
    })
    for (const { subject, reading } of readings.flat())
      if (reading.kind === 'defect') issues.push(`${subject}: ${reading.defect}`)
    const place = readings[0]?.[0]?.place
    if (place !== undefined) places.set(name, place)
    return readings[0]?.flatMap(({ reading }) => (reading.kind === 'value' ? [reading.value] : []))
  }
  const keep = ({ name, list, value }: SettingEntry, values: readonly unknown[]): void => {
    const texts = values.filter((item) => item !== undefined).map((item) => value.show(item))
    effective.push({ name, list, texts, place: places.get(name) ?? 'default' })
  }
  return {
    one(setting) {
      const read = readAll(setting)?.[0] ?? setting.default
      keep(setting, [read])
      return read
    },
    many(setting) {
      const read = [...new Set(readAll(setting))]
      keep(setting, read)
      return read
    },
    issues,
    effective,
    complete: contents.every(({ unreadable }) => unreadable !== true),
    places,
  }
}

function readGiven<T>(kind: ValueKind<T>, { text, wrongShape }: Given): Reading<T> {
  if (wrongShape !== undefined) return defect(wrongShape)
  if (text === '') return defect('it is empty: write a value, or leave it out')
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text))
    return defect('it contains a control character, such as a line break: remove it')
  return kind.read(text)
}
