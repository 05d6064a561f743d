/** Ratios of a run by name. In each, less is better, and 1 is as much as what it is compared with. */
export type Ratios = Readonly<Record<string, number>>

export interface ComparedRatio {
  readonly name: string
  readonly recorded: number | undefined
  readonly now: number
  /** How much more it is than recorded, as a share; negative: less. `undefined`: none is recorded. */
  readonly change: number | undefined
  readonly hasFallen: boolean
}

/** What a shared machine does to a ratio of one and the same program stays well below. */
export const tolerance = 0.15

/** Every ratio of `now` beside the recorded one, in the order of `now`. */
export function compareRatios(recorded: Ratios, now: Ratios): readonly ComparedRatio[] {
  return Object.entries(now).map(([name, value]) => {
    const before = recorded[name]
    const change = before === undefined ? undefined : value / before - 1
    return {
      name,
      recorded: before,
      now: value,
      change,
      // What is no number has not been measured, and cannot pass.
      hasFallen: change !== undefined && !(change <= tolerance),
    }
  })
}

/** Ratios as they are recorded; throws with the reason when `text` is something else. */
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
