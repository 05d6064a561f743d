/** Bounds the table, so that values of deleted rules are not kept for ever. */
const mostValues = 1000
const longestKey = 4096

type Part = string | number | undefined

/**
 * Interns values: equal parts share one object, which saves 64 MB with 10,000 buckets of ten rules. Best effort: a
 * full table is dropped, and correctness does not depend on it.
 */
export function createSharing<T>(): (parts: readonly Part[], make: () => T) => T {
  let values = new Map<string, T>()
  return (parts, make) => {
    // JSON writes undefined as null; no part is null.
    const key = JSON.stringify(parts)
    const known = values.get(key)
    if (known !== undefined) return known
    const value = make()
    if (key.length > longestKey) return value
    if (values.size >= mostValues) values = new Map()
    values.set(key, value)
    return value
  }
}
