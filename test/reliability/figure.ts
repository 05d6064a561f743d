/** The result of one figure: the measurement in words with its counts, and whether the promise was held. */
export interface Measured {
  readonly measured: string
  readonly held: boolean
}

/** `ordinary`: minutes, small counts. `nightly`: an hour, the promised counts. */
export type Scale = 'ordinary' | 'nightly'

export interface Figure {
  /** The name for `--only`: the number of the promise, or a word for the others. */
  readonly name: string
  readonly promise: string
  /**
   * `alone`: it measures times, so nothing else may run. `beside`: one after the other. `throughout`: in
   * parallel with those, for `seconds` when its length is a matter of choice. `last`: evaluates all the others.
   */
  readonly when: 'alone' | 'beside' | 'throughout' | 'last'
  /** Rejects when the measurement failed; with {@link NotRun} when this machine cannot run it. */
  readonly measure: (scale: Scale, seconds: number) => Promise<Measured>
}

/** This machine lacks what a figure needs, e.g. /proc. */
export class NotRun extends Error {}

/** Selects the count for the scale. */
export const count = (scale: Scale, ordinary: number, nightly: number): number =>
  scale === 'nightly' ? nightly : ordinary
