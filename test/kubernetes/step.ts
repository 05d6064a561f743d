/** Something cannot be tested on this machine or cluster; the message says why. */
export class NotTested extends Error {}

export interface Steps {
  /** Performs a step; prints what it saw and how long it took. Resolves with whether it passed. */
  step(name: string, perform: () => Promise<string>): Promise<boolean>
  /** Adds a line of figures to the table at the end. */
  figure(name: string, value: string): void
  readonly hasFailed: () => boolean
  /** Prints the last lines of the run. Returns its result. */
  close(): 'passed' | 'failed' | 'not tested'
}

export function createSteps(print: (line: string) => void = console.log): Steps {
  const figures: [string, string][] = []
  let passed = 0
  let failed = 0
  let skipped = 0
  return {
    async step(name, perform) {
      const began = performance.now()
      const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(1)} s`.padStart(8)
      try {
        const saw = await perform()
        passed++
        print(`passed ${seconds()}  ${name}: ${saw}`)
        return true
      } catch (error) {
        if (error instanceof NotTested) {
          skipped++
          print(`NOT TESTED: ${name}: ${error.message}`)
          return false
        }
        failed++
        print(`FAILED ${seconds()}  ${name}: ${error instanceof Error ? error.message : String(error)}`)
        return false
      }
    },
    figure(name, value) {
      figures.push([name, value])
    },
    hasFailed: () => failed > 0,
    close() {
      for (const [name, value] of figures) print(`${name.padEnd(44)} ${value}`)
      print(`${passed} passed, ${failed} failed, ${skipped} skipped`)
      if (failed > 0) return 'failed'
      return passed > 0 ? 'passed' : 'not tested'
    },
  }
}

/** Throws unless the condition holds. */
export function require(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}
