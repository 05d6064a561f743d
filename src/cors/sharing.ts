/** Bounds of what is known for sharing, so that rules that are gone are not held for ever. */
const mostSteps = 1000
const mostParts = 64
const longestPart = 128

type Part = string | number | undefined

interface Step<T> {
  readonly next: Map<Part, Step<T>>
  value: T | undefined
}

/**
 * Has what is made of equal parts made once, so that the many rules that say the same share it, in memory and in the
 * caches of the processor. It is found part by part: no key has to be written, and none can mean two things. What is
 * not known any more is made anew; nothing depends on it.
 */
export function createSharing<T>(): (parts: readonly Part[], make: () => T) => T {
  let first: Step<T> = { next: new Map(), value: undefined }
  let steps = 0
  let last: { readonly parts: readonly Part[]; readonly value: T } | undefined
  return (parts, make) => {
    // The rules of a file are mostly alike, and to compare takes less than to find.
    if (last !== undefined && areEqual(parts, last.parts)) return last.value
    if (parts.length > mostParts || parts.some(isLong)) return make()
    let step = first
    for (const part of parts) {
      let next = step.next.get(part)
      if (next === undefined) {
        next = { next: new Map(), value: undefined }
        step.next.set(part, next)
        steps++
      }
      step = next
    }
    const value = step.value ?? make()
    step.value = value
    last = { parts, value }
    if (steps > mostSteps) {
      first = { next: new Map(), value: undefined }
      steps = 0
    }
    return value
  }
}

const areEqual = (parts: readonly Part[], others: readonly Part[]): boolean =>
  parts.length === others.length && parts.every((part, index) => part === others[index])

const isLong = (part: Part): boolean => typeof part === 'string' && part.length > longestPart
