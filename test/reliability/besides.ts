import { scenarios } from './adversity/scenarios.ts'
import { count, type Figure } from './figure.ts'

/** The promises besides the eighteen figures: hostile clients, failing stores, a misbehaving machine. */
export const besides: readonly Figure[] = scenarios.map(
  ({ name, promise, count: ordinary, nightlyCount, isTimed, measure }) => ({
    name,
    promise,
    when: isTimed === true ? 'alone' : 'beside',
    measure: (scale) => measure({ count: count(scale, ordinary, nightlyCount) }),
  }),
)
