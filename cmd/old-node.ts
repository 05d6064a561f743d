/** Polyfills for commands that run on an old Node. */
export function addMissing(): void {
  // Built in since Node 21.
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
