import { existsSync, readFileSync } from 'node:fs'

/** The version in package.json: one folder up in a checkout, two up in a build. */
export function programVersion(): string {
  // Not findPackageJSON, because `--version` must work on a Node that lacks it.
  const file = ['../package.json', '../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url))
  if (file === undefined) throw new Error('package.json is missing from the installation')
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version)
  throw new Error(`${file.pathname} has no version`)
}
