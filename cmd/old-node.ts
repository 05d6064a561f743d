/** What the commands that run on an old Node need of a later one. */
export function addMissing(): void {
  // Node 21 and later have it.
  if (!Reflect.has(Map, 'groupBy'))
    Object.defineProperty(Map, 'groupBy', { value: groupBy, configurable: true })
}

function groupBy<K, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  let index = 0
  for (const item of items) {
    const key = keyOf(item, index++)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
