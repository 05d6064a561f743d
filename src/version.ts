import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** The version of this program, from its package.json: one folder up in a checkout, two up when built. */
export function programVersion(): string {
  const file = findPackageJSON(import.meta.url)
  if (file === undefined) throw new Error('package.json is missing from the installation')
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version)
  throw new Error(`${file} has no version`)
}
