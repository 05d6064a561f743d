/** Functions that a test runs in a child process. */

import { readFileSync } from 'node:fs'

export const double = (value: number): number => 2 * value

export const pid = (): number => process.pid

/** Names of the variables that the process started with, from /proc because child.ts hides them from `process.env`. */
export const environment = (): readonly string[] =>
  readFileSync('/proc/self/environ', 'utf8')
    .split('\0')
    .map((variable) => variable.split('=')[0] ?? '')
    .filter((name) => name !== '')

export const fail = (message: string): never => {
  throw new RangeError(message)
}

export const uncloneable = (): unknown => () => {}

export function spin(): never {
  for (;;);
}

export function fillMemory(): number {
  const all: number[][] = []
  for (;;) all.push(Array.from({ length: 100_000 }, (_, index) => index + all.length))
}

export const end = (): never => process.exit(3)
