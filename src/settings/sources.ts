/**
 * Collects settings from flags, environment and config file as texts with their places. Values are parsed later.
 */

import { nearest } from '../rule-file/closest.ts'
import {
  createLineIndex,
  type Source,
  type SourceEntry,
  type SourceNode,
  writtenText,
} from '../rule-file/source.ts'
import { flagOf, type SettingEntry, settingEntries, variableOf, variablePrefix } from './table.ts'
import { quote } from './value.ts'

/** One value of one setting, as text. */
export interface Given {
  readonly text: string
  /** Where it was given, as in --print-config: `--listen`, `CORS_SIDECAR_LISTEN`, `sidecar.yaml:3:9`. */
  readonly place: string
  /** Start of a message about it: the place, and in a config file also the key. */
  readonly subject: string
  /** Why the value is not a single text: a list, a map, nothing. */
  readonly wrongShape?: string
}

/** The settings of one source by name, and the mistakes of the source itself, one line each. */
interface SourceContent {
  readonly given: ReadonlyMap<string, readonly Given[]>
  readonly issues: readonly string[]
  /** The source could not be read at all, so its settings are unknown. */
  readonly unreadable?: true
}

/** Parsed flags by setting name, as commander returns them. Ignores names that are not settings. */
export type Flags = Readonly<Record<string, unknown>>
export type Environment = Readonly<Record<string, string | undefined>>

/** Longest config file, in bytes as read and in UTF-16 units as parsed. */
export const maxConfigLength = 65_536

/** Variables that Kubernetes sets in every container for a Service named `cors-sidecar` or `cors-sidecar-…`. */
const serviceLink = /_(?:SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_.*)$/

const knownNames = settingEntries.map(({ name }) => name)
/** `--config` is not a setting of the server, but has an environment variable like one. */
const variableNames = [...knownNames, 'config']
const knownVariables = variableNames.map(variableOf)

export function readFlags(flags: Flags): SourceContent {
  const given = new Map<string, readonly Given[]>()
  for (const { name } of settingEntries) {
    const value = flags[name]
    if (value === undefined) continue
    const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
    given.set(
      name,
      texts.map((text) => ({ text: String(text), place: flagOf(name), subject: flagOf(name) })),
    )
  }
  return { given, issues: [] }
}

/** An empty variable counts as unset, because Compose and similar tools set one for every missing value. */
export function readEnvironment(environment: Environment): SourceContent {
  const given = new Map<string, readonly Given[]>()
  for (const { name, list } of settingEntries) {
    const variable = variableOf(name)
    const text = environment[variable]?.trim() ?? ''
    if (text === '') continue
    const texts = list ? text.split(',').map((item) => item.trim()) : [text]
    given.set(
      name,
      texts.map((item) => ({ text: item, place: variable, subject: variable })),
    )
  }
  const unknown = Object.keys(environment)
    .filter(
      (key) => key.startsWith(variablePrefix) && !knownVariables.includes(key) && !serviceLink.test(key),
    )
    .sort()
  return { given, issues: unknown.map(unknownVariable) }
}

function unknownVariable(variable: string): string {
  // Compared without the prefix, which would make all variables look similar.
  const near = nearest(variable.slice(variablePrefix.length), variableNames)
  return `${visible(variable)}: ${unknownName('variable', near === undefined ? undefined : variableOf(near))}`
}

interface ConfigFile {
  readonly file: string
  readonly text: string
  readonly source: Source
}

/** Every scalar is taken as its text, so that all sources are parsed alike. */
export function readConfig({ file, text, source }: ConfigFile): SourceContent {
  const name = visible(file)
  if (text.length > maxConfigLength)
    return unreadable([
      `${name}: it is longer than ${maxConfigLength} characters, the limit for a config file`,
    ])
  const positionOf = createLineIndex(text)
  const placeAt = (offset: number): string => {
    const { line, column } = positionOf(offset)
    return `${name}:${line}:${column}`
  }
  const { root, problems } = source
  const faults = problems.filter(({ code }) => code !== 'empty-file')
  if (faults.length > 0)
    return unreadable(faults.map(({ message, offset }) => `${placeAt(offset)}: ${message}`))
  if (root === undefined || (root.kind === 'scalar' && root.value === null))
    return { given: new Map(), issues: [] }
  if (root.kind !== 'map')
    return unreadable([
      `${placeAt(root.offset)}: it contains no settings: write lines such as upstream: http://127.0.0.1:9000`,
    ])
  const repeated = root.entries.filter(
    ({ key }, index) => root.entries.findIndex((other) => other.key === key) < index,
  )
  if (repeated.length > 0)
    return unreadable(
      repeated.map(
        ({ key, keySpan }) => `${placeAt(keySpan.offset)}: ${quote(key)} is given twice: keep one`,
      ),
    )
  const pairs = root.entries.map((entry) => readPair(entry, text, placeAt))
  return {
    given: new Map(pairs.flatMap(({ entry }) => (entry === undefined ? [] : [entry]))),
    issues: pairs.flatMap(({ issue }) => (issue === undefined ? [] : [issue])),
  }
}

/** A source that could not be read, with its mistakes. */
export const unreadable = (issues: readonly string[]): SourceContent => ({
  given: new Map(),
  issues,
  unreadable: true,
})

interface PairContent {
  readonly issue?: string
  readonly entry?: readonly [name: string, given: readonly Given[]]
}

function readPair(
  { key, keySpan, value }: SourceEntry,
  text: string,
  placeAt: (offset: number) => string,
): PairContent {
  const setting = settingEntries.find(({ name }) => name === key)
  if (setting === undefined) {
    const unknown = unknownName('setting', nearest(key, knownNames))
    return { issue: `${placeAt(keySpan.offset)}: ${quote(key)}: ${unknown}` }
  }
  const wrongShape = shapeMistake(setting, value)
  const nodes = value.kind === 'list' && wrongShape === undefined ? value.items : [value]
  const given = nodes.map((node): Given => {
    const place = placeAt(node.offset)
    const words = { text: writtenText(node, text) ?? '', place, subject: `${place}: ${key}` }
    return wrongShape === undefined ? words : { ...words, wrongShape }
  })
  return { entry: [key, given] }
}

function shapeMistake(setting: SettingEntry, node: SourceNode): string | undefined {
  if (node.kind === 'list') {
    if (!setting.list) return 'a list is given: write one value'
    return node.items.every((item) => item.kind === 'scalar' && item.value !== null)
      ? undefined
      : 'an item is not text: write names only'
  }
  if (node.kind === 'map') return 'it contains nested keys: write one value'
  return node.value === null ? 'it has no value: write one, or remove the line' : undefined
}

function unknownName(what: string, near: string | undefined): string {
  return near === undefined ? `unknown ${what}` : `unknown ${what}: did you mean ${near}?`
}

/** A name from outside in printable ASCII, quoted only if necessary. */
const visible = (name: string): string => (/^[!-~]{1,120}$/.test(name) ? name : quote(name))
