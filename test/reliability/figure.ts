/** What one figure came to: the measurement in words with its counts, and whether the promise was held. */
export interface Measured {
  readonly measured: string
  readonly held: boolean
}

/** `ordinary`: minutes, small counts. `nightly`: an hour, the counts of the promises. */
export type Scale = 'ordinary' | 'nightly'

export interface Figure {
  /** As `--only` names it: the number of the promise, or a word for what is besides. */
  readonly name: string
  readonly promise: string
  /**
   * `alone`: it measures times, so nothing else may run. `beside`: one after the other. `throughout`: as long as those
   * do, and for `seconds` at least. `last`: about all the others.
   */
  readonly when: 'alone' | 'beside' | 'throughout' | 'last'
  /** Rejects when it could not be measured; with {@link NotRun} when this machine is not made for it. */
  readonly measure: (scale: Scale, seconds: number) => Promise<Measured>
}

/** This machine lacks what a figure needs, e.g. /proc. */
export class NotRun extends Error {}

/** One of two counts. */
export const count = (scale: Scale, ordinary: number, nightly: number): number =>
  scale === 'nightly' ? nightly : ordinary
