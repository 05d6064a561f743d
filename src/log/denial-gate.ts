/** Which denials are worth a line of their own. */
interface DenialGate {
  /** `undefined`: no line. Else how many denials of this key had none in the minute before. */
  take(key: string): { readonly folded: number } | undefined
  /** Ends the minute: how many denials had no line, and how many of them were of keys that had none at all. */
  endMinute(): { readonly folded: number; readonly unseen: number }
}

/** At most `limit` lines a minute, and one for each key. Remembers `2 * limit` keys, no more. */
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
