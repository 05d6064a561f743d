import { scenarios } from './adversity/scenarios.ts'
import { count, type Figure } from './figure.ts'

/** What is promised besides the eighteen: clients that mean harm, stores that fail, a machine that misbehaves. */
export const besides: readonly Figure[] = scenarios.map(
  ({ name, promise, count: ordinary, nightlyCount, isTimed, measure }) => ({
    name,
    promise,
    when: isTimed === true ? 'alone' : 'beside',
    measure: (scale) => measure({ count: count(scale, ordinary, nightlyCount) }),
  }),
)
