import type { Command } from 'commander'
import { schemaPath } from '../src/rule-file/names.ts'
import type { Terminal } from './terminal.ts'
import { schemaText } from './write-rule-file.ts'

const notes = `
Editors with YAML support complete and check a rule file that begins with this line:
  # yaml-language-server: $schema=${schemaPath}

Example:
  mkdir -p rules/schema && cors-sidecar schema > rules/${schemaPath}
`

export function addSchema(program: Command, terminal: Terminal): void {
  program
    .command('schema')
    .description('print the JSON Schema of a rule file, for editors')
    .addHelpText('after', notes)
    .action(async () => {
      terminal.out(await schemaText())
      terminal.setExitCode(0)
    })
}
