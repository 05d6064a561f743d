/** Median and range of several measurements. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** The spread of at least one value; throws for none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: percentile(sorted, 0.5), least: percentile(sorted, 0), most: percentile(sorted, 1) }
}

export function medianOf(values: readonly number[]): number {
  return spreadOf(values).median
}

/**
 * Nearest-rank percentile: the smallest value that at least `share` (0 to 1) of all values do not exceed. The
 * median of an even count is the mean of the middle two.
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const count = sorted.length
  if (count === 0) throw new Error('nothing was measured')
  const rank = Math.max(1, Math.ceil(share * count))
  const value = sorted[rank - 1] ?? Number.NaN
  return share === 0.5 && count % 2 === 0 ? (value + (sorted[rank] ?? value)) / 2 : value
}

/** `values[i] / baseline[i]`: each round is compared with the baseline of the same round. */
export function ratiosOf(values: readonly number[], baseline: readonly number[]): readonly number[] {
  if (values.length !== baseline.length) throw new Error('every round measures everybody')
  return values.map((value, round) => value / (baseline[round] ?? Number.NaN))
}

/**
 * The factor by which the values grow when the position grows tenfold: from the least-squares line through the
 * logarithms of both, so 10 is growth in proportion and 1 none.
 */
export function growthPerTen(positions: readonly number[], values: readonly number[]): number {
  const points = positions.map(
    (position, at) => [Math.log10(position), Math.log10(values[at] ?? Number.NaN)] as const,
  )
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / points.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const variance = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return 10 ** (covariance / variance)
}
