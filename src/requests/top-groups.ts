export interface TopGroup<Item> {
  /** Never too low. Too high by at most `overcount`, because a group that replaces another inherits its count. */
  readonly count: number
  readonly overcount: number
  /** When the first and the latest were added, in milliseconds since 1970. */
  readonly first: number
  readonly latest: number
  readonly last: Item
  /** The latest item of each kind that `kindOf` distinguishes, oldest kind first; at most {@link maxKinds}. */
  readonly kinds: readonly Item[]
}

interface TopGroups<Item> {
  /** `time` is milliseconds since 1970. */
  add(key: string, item: Item, time: number): void
  /** Sorted by the count that is certain, `count - overcount`, highest first. */
  list(): readonly TopGroup<Item>[]
}

interface Counter<Item> {
  readonly key: string
  count: number
  overcount: number
  readonly first: number
  latest: number
  last: Item
  readonly kinds: Map<string, Item>
}

/** Kinds kept per group; a page sends few. */
export const maxKinds = 16

/**
 * The `limit` most frequent of any number of groups, by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi
 * 2005): it includes every group that makes up more than 1/`limit` of what was added.
 */
export function createTopGroups<Item>(
  limit: number,
  kindOf: (item: Item) => string = () => '',
): TopGroups<Item> {
  const byKey = new Map<string, Counter<Item>>()
  const counters: Counter<Item>[] = []
  return {
    add(key, item, time) {
      const known = byKey.get(key)
      if (known !== undefined) {
        known.count++
        known.last = item
        known.latest = time
        keepKind(known.kinds, kindOf(item), item)
        return
      }
      const at = counters.length < limit ? counters.length : rarest(counters)
      const loser = counters[at]
      if (loser !== undefined) byKey.delete(loser.key)
      const overcount = loser?.count ?? 0
      const kinds = new Map([[kindOf(item), item]])
      const counter = { key, count: overcount + 1, overcount, first: time, latest: time, last: item, kinds }
      byKey.set(key, counter)
      counters[at] = counter
    },
    list: () =>
      counters
        .toSorted((a, b) => b.count - b.overcount - (a.count - a.overcount) || b.latest - a.latest)
        .map(({ key: _key, kinds, ...group }) => ({ ...group, kinds: [...kinds.values()] })),
  }
}

function keepKind<Item>(kinds: Map<string, Item>, kind: string, item: Item): void {
  if (kinds.size < maxKinds || kinds.has(kind)) kinds.set(kind, item)
}

/** Index of the counter with the lowest count. */
function rarest(counters: readonly Counter<unknown>[]): number {
  let at = 0
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < counters.length; i++) {
    const count = counters[i]?.count ?? least
    if (count < least) {
      least = count
      at = i
    }
  }
  return at
}
