/** Decides which denials get a log line of their own. */
interface DenialGate {
  /** `undefined`: no line. Otherwise how many denials of this key were suppressed in the minute before. */
  take(key: string): { readonly folded: number } | undefined
  /** Ends the minute. Returns how many denials were suppressed, and how many of them had a key without any line. */
  endMinute(): { readonly folded: number; readonly unseen: number }
}

/** At most `limit` lines a minute, and one per key. Remembers at most `2 * limit` keys. */
export function createDenialGate(limit: number): DenialGate {
  let seen = new Map<string, number>()
  let previous = seen
  let unseen = 0
  return {
    take(key) {
      const count = seen.get(key)
      if (count === undefined && seen.size < limit) {
        seen.set(key, 0)
        return { folded: previous.get(key) ?? 0 }
      }
      if (count === undefined) unseen++
      else seen.set(key, count + 1)
      return undefined
    },
    endMinute() {
      const result = { folded: [...seen.values()].reduce((sum, count) => sum + count, unseen), unseen }
      previous = seen
      seen = new Map()
      unseen = 0
      return result
    },
  }
}
