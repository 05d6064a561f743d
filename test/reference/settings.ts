import { flagOf, settingEntries, variableOf } from '../../src/settings/table.ts'
import { table } from '../markdown.ts'
import { code, page } from './markdown.ts'

export function settingsPage(): string {
  const rows = settingEntries.map(({ name, argument, help, shownDefault }) => {
    // A default that depends on something is in the help.
    const [, meaning = help, described] = /^(.*) \(default: (.*)\)$/.exec(help) ?? []
    return [
      code(`${flagOf(name)}${argument === '[true|false]' ? '' : ` ${argument}`}`),
      code(variableOf(name)),
      code(name),
      described ?? defaultOf(shownDefault, argument),
      meaning,
    ]
  })
  return page(
    'Settings of serve',
    'A flag wins over its environment variable, the variable over the key in the file of `--config FILE` (YAML), and the key over the default. `cors-sidecar serve --print-config` prints the effective settings and the source of each. An unknown flag, variable or key is an error.',
    table(['flag', 'environment variable', 'key in the file', 'default', 'meaning'], rows),
    'Times need a unit (`500ms`, `30s`, `5m`). Sizes are in bytes, or have the unit `KiB` or `MiB` (`16384`, `16KiB`, `1MiB`).',
  )
}

function defaultOf(shown: string | undefined, argument: string): string {
  if (shown !== undefined) return code(shown)
  return argument === '[true|false]' ? code('false') : 'none'
}
