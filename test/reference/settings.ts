import { flagOf, settingEntries, variableOf } from '../../src/settings/table.ts'
import { table } from '../markdown.ts'
import { code, page } from './markdown.ts'

export function settingsPage(): string {
  const rows = settingEntries.map(({ name, argument, list, help, shownDefault }) => [
    code(`${flagOf(name)}${argument === '[true|false]' ? '' : ` ${argument}`}`),
    code(variableOf(name)),
    code(name),
    defaultOf(shownDefault, argument, list),
    help,
  ])
  return page(
    'Settings of serve',
    'A flag wins over its environment variable, the variable over the key in the file of `--config FILE` (YAML), and the key over the default. `cors-sidecar serve --print-config` prints the effective settings and the source of each. An unknown flag, variable or key is an error.',
    table(['flag', 'environment variable', 'key in the file', 'default', 'meaning'], rows),
    'Times have a unit (`500ms`, `30s`, `5m`), and so have sizes (`16KiB`, `1MiB`).',
  )
}

function defaultOf(shown: string | undefined, argument: string, list: boolean): string {
  if (shown !== undefined) return code(shown)
  return argument === '[true|false]' ? code('false') : list ? 'none (repeatable)' : 'none'
}
