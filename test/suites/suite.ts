/** What each test of a suite came to, by its name: `ok`, or the words of its failure without what differs each time. */
export type Outcomes = ReadonlyMap<string, string>

export interface Compared {
  readonly direct: Outcomes
  readonly through: Outcomes
}

/** A client suite before a store, run twice: directly and through the sidecar. */
export interface Suite {
  readonly name: string
  /** Too long for the default run. */
  readonly long: boolean
  /** So many tests are ok directly; with fewer the suite compares next to nothing. */
  readonly least: number
  /** Client and store, as they name themselves. Throws {@link NotTested}. */
  versions(): Promise<string>
  run(): Promise<Compared>
  /** Runs some of its tests again, one at a time: what differs by chance does not differ twice. */
  readonly again?: (tests: readonly string[]) => Promise<Compared>
}

/** What the suite needs cannot be had here. */
export class NotTested extends Error {
  override readonly name = 'NotTested'
}
