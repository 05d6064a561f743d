import type { DialectName } from '../cors/rule.ts'
import { type Dialect, isVendor } from './dialect.ts'
import { dialects } from './dialects.ts'

const byName: ReadonlyMap<DialectName, Dialect> = new Map(dialects.map((dialect) => [dialect.name, dialect]))

export const dialectNames: readonly DialectName[] = [...byName.keys()]

/** The dialects whose configurations have an XML form. */
export const vendorNames: readonly DialectName[] = dialects.filter(isVendor).map(({ name }) => name)

/** Throws on an unknown name, because names are validated where they are read. */
export function dialectNamed(name: DialectName): Dialect {
  const dialect = byName.get(name)
  if (dialect === undefined) throw new Error(`no dialect is named ${name}`)
  return dialect
}
