/** Runs `act` for the numbers 0 to `count` - 1, at most `atOnce` concurrently. Returns the results in order. */
export async function inBatches<Result>(
  count: number,
  atOnce: number,
  act: (index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = new Array(count)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      results[index] = await act(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work))
  return results
}

/** The largest of `values`; 0 when empty. */
export const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0)
