/** Functions that a test runs in a child process. */

export const double = (value: number): number => 2 * value

export const pid = (): number => process.pid

export const environment = (): readonly string[] => Object.keys(process.env)

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
