import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { type Command, Option } from 'commander'
import type { DialectName } from '../src/cors/rule.ts'
import { maxBytesRead } from '../src/rule-file/bytes.ts'
import { type FileFormat, formatOf } from '../src/rule-file/names.ts'
import type { RuleReading } from '../src/rule-file/read.ts'
import { findingText } from './findings-text.ts'
import { dialectOption } from './options.ts'
import { readBytes, readRuleFile } from './rule-input.ts'
import type { Terminal } from './terminal.ts'

const notes = `
FILE can be in any format that rule files have: YAML or JSON of cors-sidecar, JSON of the AWS CLI and SDKs or of the
COS and OSS SDKs, or CORSConfiguration XML. - reads stdin; its format is detected, or given by --from.
JSON is written in the format of the AWS CLI. Notes on stderr say what the target format cannot express.
Exit code: 0 written, 1 invalid input, or a result the vendor would reject, 2 invalid usage or unreadable input.

Examples:
  cors-sidecar convert cors.json > rules/photos.yaml
  aws s3api get-bucket-cors --bucket photos | cors-sidecar convert - > rules/photos.yaml
  cors-sidecar convert rules/photos.yaml --to xml --dialect s3
`

interface ConvertFlags {
  readonly to: FileFormat
  readonly from?: FileFormat
  readonly dialect?: DialectName
}

export function addConvert(program: Command, terminal: Terminal): void {
  program
    .command('convert')
    .description('convert a CORS configuration between formats')
    .argument('<FILE>', 'the configuration, named .yaml, .yml, .json or .xml, or - for stdin')
    .addOption(new Option('--to <FORMAT>', 'the format to write').choices(formats).default('yaml'))
    .addOption(
      new Option(
        '--from <FORMAT>',
        'the format to read (default: by the name, or by the content of stdin)',
      ).choices(formats),
    )
    .addOption(dialectOption("whose limits and XML to use (default: the file's own, else cos)"))
    .addHelpText('after', notes)
    .action(async (file: string, flags: ConvertFlags) => {
      terminal.exit(await convertFile(file, flags, terminal))
    })
}

const formats = ['yaml', 'json', 'xml'] as const

async function convertFile(file: string, flags: ConvertFlags, terminal: Terminal): Promise<0 | 1 | 2> {
  const { to, dialect } = flags
  const given = await readGiven(file, flags, terminal)
  if (typeof given === 'string') return fail(terminal, `${file}: ${given}`, 2)
  const { shown, format, content, findings, text } = given
  if (content === undefined) {
    for (const finding of findings.filter(({ severity }) => severity === 'error'))
      terminal.err(findingText({ ...finding, file: shown }, text, false))
    return 1
  }
  // Here alone: yaml is not for the program that serves.
  const { convert } = await import('../src/rule-file/convert.ts')
  const converted = convert(content, to, dialect ?? content.dialect ?? 'cos')
  for (const sentence of converted.lost) terminal.err(`note: ${sentence}\n`)
  if (hasComments(text, format)) terminal.err('note: comments are left out\n')
  if (converted.refusal !== undefined) return fail(terminal, converted.refusal, 1)
  terminal.out(converted.text)
  return 0
}

interface Given extends RuleReading {
  /** The name in findings. */
  readonly shown: string
  readonly format: FileFormat
  readonly text: string
}

async function readGiven(
  file: string,
  { from, dialect }: ConvertFlags,
  terminal: Terminal,
): Promise<Given | string> {
  if (file === '-') {
    const bytes = await readStart(terminal.stdin ?? nothing)
    const format = from ?? detected(bytes)
    const read = await readBytes(`stdin.${format}`, bytes, dialect ?? 'cos')
    return typeof read === 'string' ? read : { ...read, shown: 'stdin', format }
  }
  const format = from ?? formatOf(file)
  if (format === undefined) return 'unknown format: name the file .yaml, .yml, .json or .xml, or give --from'
  const read = await readRuleFile(file, resolve(terminal.cwd, file), dialect ?? 'cos', format)
  return typeof read === 'string' ? read : { ...read, shown: file, format }
}

const nothing: AsyncIterable<Uint8Array> = Readable.from([])

/** At most what is read of a file: a pipe may have no end. */
async function readStart(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of pieces) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= maxBytesRead) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytesRead)
}

/** JSON and XML show by their first character; everything else is YAML. */
function detected(bytes: Uint8Array): FileFormat {
  const first = new TextDecoder().decode(bytes.subarray(0, 1024)).trimStart()[0]
  if (first === '<') return 'xml'
  return first === '{' || first === '[' ? 'json' : 'yaml'
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
