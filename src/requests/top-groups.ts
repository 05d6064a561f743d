/** What was counted under one key. */
export interface TopGroup<Item> {
  /** Never too low, and too high by `overcount` at most: a group that pushed another out has taken on its count. */
  readonly count: number
  readonly overcount: number
  /** When the first and the latest of these were seen, in milliseconds since 1970. */
  readonly first: number
  readonly latest: number
  readonly last: Item
  /** The latest of each kind that `kindOf` tells apart, oldest kind first, the first {@link maxKinds} of them. */
  readonly kinds: readonly Item[]
}

interface TopGroups<Item> {
  /** `time` is milliseconds since 1970. */
  add(key: string, item: Item, time: number): void
  /** The most frequent first. */
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

/** So many kinds of one group are kept: a page sends few. */
export const maxKinds = 16

/**
 * The `limit` most frequent of any number of groups, by Space-Saving (Metwally, Agrawal, El Abbadi 2005): every group
 * that makes up more than 1/`limit` of all that was added is among them.
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

/** Where the counter with the lowest count stands. */
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
