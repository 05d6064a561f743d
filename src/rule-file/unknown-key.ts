/** Keys that no spelling knows, each with what was most likely meant. */

import { quoted } from '../text/visible.ts'
import { nearest } from './closest.ts'
import { errorAt, type Problem, type SourceEntry, type SourceMap } from './source.ts'
import { type Fields, fieldOf, fileFields, ruleFields, styles } from './spelling.ts'

/** So many in one mapping get a hint of their own; what follows them is not told one by one. */
const maxHints = 100

/** `unknown` are entries of `owner`, in which `fields` may stand. One that is repeated is told once: for all that is known it may be. */
export function unknownKeys(unknown: readonly SourceEntry[], fields: Fields, owner: SourceMap): Problem[] {
  if (unknown.length === 0) return []
  // What stands there already cannot have been meant, but in XML, where a list is an element that is repeated.
  const isXml = owner.entries.some(({ isUnknown }) => isUnknown === true)
  const given = new Set(isXml ? [] : owner.entries.map(({ key }) => fieldOf(fields, key)))
  const known = spelledAlike(fields, owner).filter((name) => !given.has(fieldOf(fields, name)))
  const byKey = new Map(unknown.toReversed().map((entry) => [entry.key, entry]))
  return [...byKey.values()]
    .toReversed()
    .map((entry, index) => unknownKey(entry, fields, index < maxHints ? known : []))
}

const credentialsHint = 'credentials are allowed for origins that are named, as the vendors do it; remove it'

/** Keys that stand around or in what the vendors' tools print, and what to do about them. */
const keyHints: Readonly<Record<string, string>> = {
  '<<': 'YAML 1.2 has no merge keys; write the fields out, or use an alias for one value',
  CORSConfiguration: 'put what is inside it at the top of the file',
  Bucket: 'the name of the file is the bucket',
  bucket: 'the name of the file is the bucket',
  allowCredentials: credentialsHint,
  AllowCredentials: credentialsHint,
}

function unknownKey(
  { key, keySpan, isUnknown }: SourceEntry,
  fields: Fields,
  known: readonly string[],
): Problem {
  const meant = nearest(key, known) ?? known.find((name) => holds(name, key))
  const hint =
    (Object.hasOwn(keyHints, key) ? keyHints[key] : undefined) ??
    (isUnknown === true ? undefined : misplaced(key, fields)) ??
    (meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`)
  return errorAt(keySpan.offset, keySpan.end, 'unknown-key', `unknown key ${quoted(key)}: ${hint}`)
}

/** The names of `fields` as the other keys of `owner` are spelled: AlowedOrigins was meant to be AllowedOrigins. */
function spelledAlike(fields: Fields, { entries }: SourceMap): readonly string[] {
  const all = Object.values(fields)
  const keys = new Set(entries.map(({ key }) => key))
  const fits = (style: number): number => all.filter((names) => keys.has(names[style] ?? '')).length
  const capital = entries.some(({ key }) => /^[A-Z]/.test(key)) ? 1 : 0
  const style = styles.keys().reduce((best, other) => (fits(other) > fits(best) ? other : best), capital)
  const isXml = entries.some(({ isUnknown }) => isUnknown === true)
  const names = all.map((spellings) => spellings[isXml ? styles.indexOf('xml') : style] ?? spellings[0] ?? '')
  // What is in lower case is ours alone, and not to be had in XML.
  return isXml ? names.filter((name) => /^[A-Z]/.test(name)) : names
}

/** A field of a rule that stands beside the rules, or the other way round. */
function misplaced(key: string, fields: Fields): string | undefined {
  if (fields === fileFields && fieldOf(ruleFields, key) !== undefined)
    return 'it stands in a rule; put "- " before the first key of each rule, and all of them below rules:'
  if (fields === ruleFields && fieldOf(fileFields, key) !== undefined)
    return 'it stands beside the rules, not in one: write it without indentation'
  return undefined
}

/** `maxAge` in maxAgeSeconds, `origins` in allowedOrigins. */
const holds = (name: string, key: string): boolean =>
  key.length >= 4 && name.toLowerCase().includes(key.toLowerCase().replaceAll(/[-_]/g, ''))
