import { stringify } from 'yaml'
import type { EffectiveSetting } from './reader.ts'

/**
 * The settings in force as a config file that gives them again, each with where it came from. Nothing in it is
 * secret: settings name the files that hold keys and tokens, and an upstream with a password is refused.
 */
export function printSettings(effective: readonly EffectiveSetting[]): string {
  return [
    '# cors-sidecar serve: flags come before variables, variables before the config file\n',
    ...effective.map(printSetting),
  ].join('')
}

function printSetting({ name, list, texts, place }: EffectiveSetting): string {
  const [only] = texts
  if (only === undefined) return `# ${name}: not set\n`
  if (!list) return `${name}: ${scalar(only)} # ${place}\n`
  return [`${name}: # ${place}\n`, ...texts.map((text) => `  - ${scalar(text)}\n`)].join('')
}

/** Numbers, durations and booleans plain, as an author writes them; what YAML would read as something else in quotes. */
function scalar(text: string): string {
  return /^(?:[0-9]+|true|false)$/.test(text) ? text : stringify(text, { lineWidth: 0 }).trimEnd()
}
