import type { Command } from 'commander'
import { schemaPath } from '../src/rule-file/names.ts'
import type { Terminal } from './terminal.ts'

const notes = `
Editors with YAML support complete and check a rule file whose first line is
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
      // Here alone: zod is not for the program that serves.
      const { ruleFileSchema } = await import('../src/rule-file/parse.ts')
      terminal.out(`${JSON.stringify(ruleFileSchema(), null, 2)}\n`)
      terminal.exit(0)
    })
}
