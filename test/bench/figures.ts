import type { Spread } from './stats.ts'

/** Formats figures with their significant digits only. */

export const megabytes = (bytes: number): string => `${(bytes / (1024 * 1024)).toFixed(0)} MB`

export const microseconds = (nanoseconds: number): string => `${(nanoseconds / 1000).toFixed(1)} µs`

/** CPU time: microseconds below a millisecond, then as {@link time}. */
export const cpuTime = (nanoseconds: number): string =>
  nanoseconds < 1e6 ? microseconds(nanoseconds) : time(nanoseconds / 1e6)

/** Milliseconds below a second, seconds above. */
export function time(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`
}

export const perSecond = (rate: number): string => rate.toFixed(0)

/** `1.52 (1.49..1.60)`. */
export const ratio = ({ median, least, most }: Spread): string =>
  least === most ? median.toFixed(2) : `${median.toFixed(2)} (${least.toFixed(2)}..${most.toFixed(2)})`
