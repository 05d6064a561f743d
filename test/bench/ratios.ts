/** Ratios of a run by name. Less is better; 1 means equal to the reference. */
export type Ratios = Readonly<Record<string, number>>

export interface ComparedRatio {
  readonly name: string
  readonly recorded: number | undefined
  readonly now: number
  /** Relative change from the recorded ratio; negative: better. `undefined`: none is recorded. */
  readonly change: number | undefined
  readonly hasFallen: boolean
}

/** Larger than the noise of a shared machine for one and the same program. */
export const tolerance = 0.15

/** Every ratio of `now` with the recorded one, in the order of `now`. */
export function compareRatios(recorded: Ratios, now: Ratios): readonly ComparedRatio[] {
  return Object.entries(now).map(([name, value]) => {
    const before = recorded[name]
    const change = before === undefined ? undefined : value / before - 1
    return {
      name,
      recorded: before,
      now: value,
      change,
      // NaN was not measured, and must not pass.
      hasFallen: change !== undefined && !(change <= tolerance),
    }
  })
}

/** Parses recorded ratios; throws with the reason when `text` is invalid. */
export function parseRatios(text: string): Ratios {
  const content: unknown = JSON.parse(text)
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new Error('recorded ratios are one JSON object')
  const ratios: Record<string, number> = {}
  for (const [name, value] of Object.entries(content)) {
    if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value))
      throw new Error(`the recorded ratio ${JSON.stringify(name)} is no number above 0`)
    ratios[name] = value
  }
  return ratios
}

export function printRatios(ratios: Ratios): string {
  const rounded = Object.entries(ratios).map(([name, value]) => [name, Number(value.toPrecision(3))])
  return `${JSON.stringify(Object.fromEntries(rounded), null, 2)}\n`
}
