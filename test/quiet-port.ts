import { randomInt } from 'node:crypto'

/**
 * A port below those that the system gives out by itself (from 32768 on Linux, from 49152 elsewhere), so that no test that
 * runs at the same time gets it after it was closed here.
 */
export const quietPort = (): number => randomInt(20_000, 30_000)
