import { stringify } from 'yaml'
import type { EffectiveSetting } from './reader.ts'

/**
 * Prints the effective settings as a config file, with the source of each. It contains no secrets: settings name
 * the files of keys and tokens, and an upstream with a password is refused.
 */
export function printSettings(effective: readonly EffectiveSetting[]): string {
  return [
    '# cors-sidecar serve: flags override variables, and variables override the config file\n',
    ...effective.map(printSetting),
  ].join('')
}

function printSetting({ name, list, texts, place }: EffectiveSetting): string {
  const [only] = texts
  if (only === undefined) return `# ${name}: not set\n`
  if (!list) return `${name}: ${scalar(only)} # ${place}\n`
  return [`${name}: # ${place}\n`, ...texts.map((text) => `  - ${scalar(text)}\n`)].join('')
}

/** Plain for numbers, durations and booleans; quoted where YAML would read another type. */
function scalar(text: string): string {
  return /^(?:[0-9]+|true|false)$/.test(text) ? text : stringify(text, { lineWidth: 0 }).trimEnd()
}
