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
  return (parts, make) => {
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
    if (steps > mostSteps) {
      first = { next: new Map(), value: undefined }
      steps = 0
    }
    return value
  }
}

const isLong = (part: Part): boolean => typeof part === 'string' && part.length > longestPart
