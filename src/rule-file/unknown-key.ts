/** Reports unknown keys, with the key that was probably meant. */

import { quoted } from '../text/visible.ts'
import { nearest } from './closest.ts'
import { errorAt, type Problem, type SourceEntry, type SourceMap } from './source.ts'
import { type Fields, fieldOf, fileFields, ruleFields, styles } from './spelling.ts'

/** Unknown keys per mapping for which a hint is computed; a file has no more findings than that (`maxFindings` in read.ts). */
const maxHints = 100

/**
 * `unknown` are entries of `owner`, a mapping that can have `fields`. A repeated key is reported once, because
 * repeating it may be legitimate.
 */
export function unknownKeys(unknown: readonly SourceEntry[], fields: Fields, owner: SourceMap): Problem[] {
  if (unknown.length === 0) return []
  // A field that is already present cannot have been meant, except in XML, where lists are repeated elements.
  const isXml = owner.entries.some(({ isUnknown }) => isUnknown === true)
  const given = new Set(isXml ? [] : owner.entries.map(({ key }) => fieldOf(fields, key)))
  const known = spelledAlike(fields, owner).filter((name) => !given.has(fieldOf(fields, name)))
  const byKey = new Map(unknown.toReversed().map((entry) => [entry.key, entry]))
  return [...byKey.values()]
    .toReversed()
    .map((entry, index) => unknownKey(entry, fields, index < maxHints ? known : []))
}

const credentialsHint = 'allowCredentials is only for rules of dialect http, in YAML or JSON: remove it'

/**
 * Keys that the vendors' tools print around or in a configuration, and what to do about them where no known key can have
 * been meant.
 */
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
    (isUnknown === true ? undefined : misplaced(key, fields)) ??
    (meant === undefined ? undefined : `did you mean ${meant}?`) ??
    (Object.hasOwn(keyHints, key) ? keyHints[key] : undefined) ??
    `allowed keys: ${known.join(', ')}`
  return errorAt(keySpan.offset, keySpan.end, 'unknown-key', `unknown key ${quoted(key)}: ${hint}`)
}

/** The names of `fields` in the format of `owner`'s other keys: AlowedOrigins means AllowedOrigins. */
function spelledAlike(fields: Fields, { entries }: SourceMap): readonly string[] {
  const all = Object.values(fields)
  const keys = new Set(entries.map(({ key }) => key))
  const fits = (style: number): number => all.filter((names) => keys.has(names[style] ?? '')).length
  const capital = entries.some(({ key }) => /^[A-Z]/.test(key)) ? 1 : 0
  const style = styles.keys().reduce((best, other) => (fits(other) > fits(best) ? other : best), capital)
  const isXml = entries.some(({ isUnknown }) => isUnknown === true)
  const names = all.map((spellings) => spellings[isXml ? styles.indexOf('xml') : style] ?? spellings[0] ?? '')
  // Lower-case names are our own and do not exist in XML.
  return isXml ? names.filter((name) => /^[A-Z]/.test(name)) : names
}

/** A rule's field beside the rules, or a file's field in a rule. */
function misplaced(key: string, fields: Fields): string | undefined {
  if (fields === fileFields && fieldOf(ruleFields, key) !== undefined)
    return 'it belongs in a rule; put "- " before the first key of each rule, and all of them below rules:'
  if (fields === ruleFields && fieldOf(fileFields, key) !== undefined)
    return 'it belongs beside the rules, not in one: remove the indentation'
  return undefined
}

/** `maxAge` in maxAgeSeconds, `origins` in allowedOrigins. */
const holds = (name: string, key: string): boolean =>
  key.length >= 4 && name.toLowerCase().includes(key.toLowerCase().replaceAll(/[-_]/g, ''))
