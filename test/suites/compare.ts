import type { Compared, Outcomes } from './suite.ts'

/** An accepted difference, with the reason. */
export interface Reason {
  /** Names of suites. */
  readonly suite: RegExp
  readonly test: RegExp
  /** The outcomes that it explains; default: all. */
  readonly through?: RegExp
  readonly why: string
}

export interface Difference {
  readonly test: string
  readonly direct: string
  readonly through: string
  /** `undefined`: the difference is a defect. */
  readonly why: string | undefined
}

const absent = '(not run)'

/** Tests whose outcomes differ, sorted by name. */
export function differencesOf(
  suite: string,
  { direct, through }: Compared,
  reasons: readonly Reason[],
): readonly Difference[] {
  const ofSuite = reasons.filter((reason) => reason.suite.test(suite))
  const tests = [...new Set([...direct.keys(), ...through.keys()])].sort()
  return tests.flatMap((test) => {
    const difference = { test, direct: direct.get(test) ?? absent, through: through.get(test) ?? absent }
    if (difference.direct === difference.through) return []
    return [{ ...difference, why: ofSuite.find((reason) => isReasonFor(reason, difference))?.why }]
  })
}

const isReasonFor = (reason: Reason, { test, through }: Pick<Difference, 'test' | 'through'>): boolean =>
  reason.test.test(test) && (reason.through?.test(through) ?? true)

/** `581 ok, 106 other`. */
export function tally(outcomes: Outcomes): string {
  const ok = okCount(outcomes)
  const other = outcomes.size - ok
  return other === 0 ? `${ok} ok` : `${ok} ok, ${other} other`
}

export const okCount = (outcomes: Outcomes): number =>
  [...outcomes.values()].filter((outcome) => /^ok(?: |$)/.test(outcome)).length
