/** Where settings are given: flags, environment, config file. Gathers texts and their places; they are read later. */

import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { nearest } from '../text/closest.ts'
import { flagOf, type SettingEntry, settingEntries, variableOf, variablePrefix } from './table.ts'
import { quote } from './value.ts'

/** One text for one setting. */
export interface Given {
  readonly text: string
  /** Where it stands, as print-config says it: `--listen`, `CORS_SIDECAR_LISTEN`, `sidecar.yaml:3:9`. */
  readonly place: string
  /** The words before a message about it: the place, in a file followed by the key. */
  readonly subject: string
  /** What keeps it from being one text at all: a list, a map, nothing. */
  readonly misshapen?: string
}

/** What one source gives: texts by setting name, and the mistakes of the source itself, one line each. */
interface SourceContent {
  readonly given: ReadonlyMap<string, readonly Given[]>
  readonly issues: readonly string[]
  /** The source as a whole could not be read: what it gives is not known. */
  readonly illegible?: true
}

/** Parsed flags by setting name, as commander gives them; names that are no setting are left alone. */
export type Flags = Readonly<Record<string, unknown>>
export type Environment = Readonly<Record<string, string | undefined>>

/** The longest config file that is read, in bytes, and parsed, in UTF-16 units. */
export const maxConfigLength = 65_536

/** Names that Kubernetes gives every container for a Service called `cors-sidecar` or `cors-sidecar-…`. */
const serviceLink = /_(?:SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_.*)$/

const knownNames = settingEntries.map(({ name }) => name)
/** `--config` is no setting of the server, but can be given in the environment like one. */
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

/** An empty variable counts as not set: composing tools write one for every value that they were not given. */
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
  // Without the prefix, which would make every variable look like every other.
  const near = nearest(variable.slice(variablePrefix.length), variableNames)
  return `${visible(variable)}: ${unknownName('variable', near === undefined ? undefined : variableOf(near))}`
}

/** Reads the YAML of a config file. Every scalar is taken as the text that it is, so that all sources are read alike. */
export function readConfig(file: string, text: string): SourceContent {
  const name = visible(file)
  if (text.length > maxConfigLength)
    return illegible([`${name}: it is longer than ${maxConfigLength} characters: no config file needs that`])
  const lines = new LineCounter()
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false })
  const placeAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${line}:${col}`
  }
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0)
    return illegible(faults.map(({ message, pos }) => `${placeAt(pos[0])}: ${oneLine(message)}`))
  const { contents } = document
  if (contents === null || (isScalar(contents) && textOf(contents) === undefined))
    return { given: new Map(), issues: [] }
  if (!isMap(contents))
    return illegible([
      `${placeAt(contents.range[0])}: it does not hold settings: write lines such as upstream: http://127.0.0.1:9000`,
    ])
  const pairs = contents.items.map((pair) => readPair(pair, placeAt))
  return {
    given: new Map(pairs.flatMap(({ entry }) => (entry === undefined ? [] : [entry]))),
    issues: pairs.flatMap(({ issue }) => (issue === undefined ? [] : [issue])),
  }
}

/** A source of which only its mistakes are known. */
export const illegible = (issues: readonly string[]): SourceContent => ({
  given: new Map(),
  issues,
  illegible: true,
})

interface PairContent {
  readonly issue?: string
  readonly entry?: readonly [name: string, given: readonly Given[]]
}

function readPair(pair: Pair<Node, Node | null>, placeAt: (offset: number) => string): PairContent {
  const key = isScalar(pair.key) ? String(pair.key.value) : ''
  const entry = settingEntries.find(({ name }) => name === key)
  if (entry === undefined) {
    const place = placeAt(pair.key.range?.[0] ?? 0)
    return { issue: `${place}: ${quote(key)}: ${unknownName('setting', nearest(key, knownNames))}` }
  }
  const misshapen = wrongShape(entry, pair.value)
  const nodes = isSeq<Node>(pair.value) && misshapen === undefined ? pair.value.items : [pair.value]
  const given = nodes.map((node): Given => {
    const place = placeAt(node?.range?.[0] ?? 0)
    const words = { text: textOf(node) ?? '', place, subject: `${place}: ${key}` }
    return misshapen === undefined ? words : { ...words, misshapen }
  })
  return { entry: [key, given] }
}

/** The text of a scalar; `undefined` for everything else, and for what a YAML reader takes for null. */
function textOf(node: Node | null | undefined): string | undefined {
  if (!isScalar(node)) return undefined
  const text = String(node.value)
  return node.type === 'PLAIN' && ['', '~', 'null'].includes(text) ? undefined : text
}

function wrongShape(entry: SettingEntry, node: Node | null): string | undefined {
  if (isSeq<Node>(node)) {
    if (!entry.list) return 'a list is given: write one value'
    return node.items.every((item) => textOf(item) !== undefined)
      ? undefined
      : 'an item is not a text: write names only'
  }
  if (isMap(node)) return 'keys stand below it: write one value'
  if (node !== null && !isScalar(node)) return 'an alias is given: write the value itself'
  return textOf(node) === undefined ? 'no value is given: write one, or remove the line' : undefined
}

function unknownName(what: string, near: string | undefined): string {
  return near === undefined ? `there is no such ${what}` : `there is no such ${what}: did you mean ${near}?`
}

/** A name from outside in printable ASCII, without quotes where it needs none. */
const visible = (name: string): string => (/^[!-~]{1,120}$/.test(name) ? name : quote(name))

const oneLine = (message: string): string => message.replaceAll(/[^ -~]+/g, ' ')
