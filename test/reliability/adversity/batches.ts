/** Runs `act` for the numbers from 0 to `count`, at most `atOnce` at a time, and returns what each came to, in order. */
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

/** The largest of `values`, 0 when there are none. */
export const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0)
