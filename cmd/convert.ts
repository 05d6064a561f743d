import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { DialectName } from '../src/cors/rule.ts'
import { vendorNames } from '../src/dialect/named.ts'
import { convert } from '../src/rule-file/convert.ts'
import { type FileFormat, formatOf } from '../src/rule-file/names.ts'
import { findingText } from './findings-text.ts'
import { readRuleFile } from './rule-input.ts'
import type { Terminal } from './terminal.ts'

const notes = `
FILE is a rule file in any spelling: ours, AWS CLI and SDK JSON, the COS and OSS SDKs, CORSConfiguration XML.
JSON is written in the spelling of the AWS CLI. What the target cannot say is told on stderr; comments are not kept.
Exit code: 0 written, 1 the file has errors, or nobody would store the result, 2 wrong usage, or it cannot be read.

Examples:
  cors-sidecar convert cors.json --to yaml > rules/photos.yaml
  cors-sidecar convert rules/photos.yaml --to xml --dialect s3
`

interface ConvertFlags {
  readonly to: FileFormat
  readonly dialect?: DialectName
}

export function addConvert(program: Command, terminal: Terminal): void {
  program
    .command('convert')
    .description('write a CORS configuration in another spelling')
    .argument('<FILE>', 'the configuration, named .yaml, .yml, .json or .xml')
    .addOption(
      new Option('--to <FORMAT>', 'the format to write')
        .choices(['yaml', 'json', 'xml'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--dialect <NAME>',
        "whose limits hold and whose XML is written (default: the file's own, else cos)",
      ).choices(vendorNames),
    )
    .addHelpText('after', notes)
    .action(async (file: string, flags: ConvertFlags) => {
      terminal.exit(await convertFile(file, flags, terminal))
    })
}

async function convertFile(
  file: string,
  { to, dialect }: ConvertFlags,
  terminal: Terminal,
): Promise<0 | 1 | 2> {
  const format = formatOf(file)
  if (format === undefined)
    return fail(terminal, `${file}: its name must tell the format: .yaml, .yml, .json or .xml`, 2)
  const read = await readRuleFile(file, resolve(terminal.cwd, file), dialect ?? 'cos')
  if (typeof read === 'string') return fail(terminal, `${file}: ${read}`, 2)
  const { content, findings, text } = read
  if (content === undefined) {
    for (const finding of findings.filter(({ severity }) => severity === 'error'))
      terminal.err(findingText(finding, text, false))
    return 1
  }
  const converted = convert(content, to, dialect ?? content.dialect ?? 'cos')
  for (const sentence of converted.lost) terminal.err(`note: ${sentence}\n`)
  if (hasComments(text, format)) terminal.err('note: comments are left out\n')
  if (converted.refusal !== undefined) return fail(terminal, converted.refusal, 1)
  terminal.out(converted.text)
  return 0
}

function fail(terminal: Terminal, message: string, code: 1 | 2): 1 | 2 {
  terminal.err(`error: ${message}\n`)
  return code
}

/** Editors' own comments, such as the one that names the schema, are not missed. */
const hasComments = (text: string, format: FileFormat): boolean =>
  format === 'yaml'
    ? /(?:^|\s)#(?! yaml-language-server:)/m.test(text)
    : format === 'xml' && text.includes('<!--')
