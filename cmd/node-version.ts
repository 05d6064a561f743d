/**
 * The oldest safe release of each major version of Node, as in `engines` of package.json. Every release of a later
 * major version is safe; no release of any other version is.
 */
const oldestSafe: Readonly<Record<number, readonly [minor: number, patch: number]>> = {
  22: [23, 2],
  24: [18, 1],
  26: [5, 1],
}
const lastLine = 26

/**
 * Why Node `version` (`process.version`) is unsafe, in one line; `undefined` when it is safe. Pre-releases are
 * refused, because their version does not show which fixes they contain.
 */
export function nodeDefect(version: string): string | undefined {
  const parts = /^v([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(version)
  if (parts !== null && isSafe(Number(parts[1]), Number(parts[2]), Number(parts[3]))) return undefined
  return (
    `the HTTP parser of Node ${version} may let requests be smuggled past a proxy (CVE-2026-58044): ` +
    'install Node 26.5.1 or later, 24.18.1 or a later 24.x, or 22.23.2 or a later 22.x'
  )
}

function isSafe(major: number, minor: number, patch: number): boolean {
  if (major > lastLine) return true
  const oldest = oldestSafe[major]
  if (oldest === undefined) return false
  return minor > oldest[0] || (minor === oldest[0] && patch >= oldest[1])
}

/**
 * Whether a command line starts a server. Only then does Node's HTTP parser matter, so all other commands run with
 * a warning.
 */
export function servesHttp(argv: readonly string[]): boolean {
  const command = argv.find((word) => !word.startsWith('-'))
  const asksHelp = argv.some((word) => word === '-h' || word === '--help')
  return command !== undefined && ['serve', 'demo', 'worker'].includes(command) && !asksHelp
}
