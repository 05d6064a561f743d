/** The outcome of each test by name: `ok`, or its failure without the parts that vary. */
export type Outcomes = ReadonlyMap<string, string>

export interface Compared {
  readonly direct: Outcomes
  readonly through: Outcomes
}

/** A client suite for a store, run twice: directly and through the sidecar. */
export interface Suite {
  readonly name: string
  /** Minimum number of tests that must pass directly; with fewer, the comparison means little. */
  readonly least: number
  /** Versions of client and store. Throws {@link NotTested}. */
  versions(): Promise<string>
  run(): Promise<Compared>
  /** Repeats at least the given tests, to rule out random differences. */
  readonly again?: (tests: readonly string[]) => Promise<Compared>
}

/** The suite's requirements are not available here. */
export class NotTested extends Error {
  override readonly name = 'NotTested'
}
