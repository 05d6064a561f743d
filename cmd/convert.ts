import { type Command, Option } from 'commander'
import { foreignNames } from '../src/rule-file/foreign/format-names.ts'
import type { FileFormat } from '../src/rule-file/names.ts'
import type { ConvertFlags } from './convert-flags.ts'
import { dialectOption } from './options.ts'
import type { Terminal } from './terminal.ts'

const notes = `
Reads rule files, the S3 family's formats (JSON of the AWS CLI and SDKs, COS and OSS SDKs, CORSConfiguration XML), and
these, which it detects by their content: ${foreignNames.join(', ')}.
Writes JSON as the AWS CLI reads it. Reports on stderr what the new format cannot express. Comments are not kept.
Terraform: convert the output of "terraform show -json", not .tf files.
Exit code: 0 converted; 1 invalid input, a result that the vendor would reject, or an existing output file; 2 invalid
usage or unreadable input.

Examples:
  cors-sidecar convert cors.json > rules/photos.yaml
  aws s3api get-bucket-cors --bucket photos | cors-sidecar convert - > rules/photos.yaml
  terraform show -json | cors-sidecar convert - --out rules
  cors-sidecar convert rules/photos.yaml --to xml --dialect s3
`

const formats = ['yaml', 'json', 'xml'] as const satisfies readonly FileFormat[]

export function addConvert(program: Command, terminal: Terminal): void {
  program
    .command('convert')
    .description('convert a CORS configuration between formats')
    .argument('<FILE>', 'the configuration; - for standard input')
    .addOption(new Option('--to <FORMAT>', 'format to write').choices(formats).default('yaml'))
    .addOption(
      new Option('--from <FORMAT>', 'format to read (default: detected)').choices([
        ...formats,
        ...foreignNames,
      ]),
    )
    .addOption(dialectOption("vendor whose limits and XML apply (default: the file's own, else cos)"))
    .option('--out <DIR>', 'write one file for each bucket into this directory')
    .addHelpText('after', notes)
    .action(async (file: string, flags: ConvertFlags) => {
      // Imported on demand, so that the help does not load the parsers.
      const { convertFile } = await import('./run-convert.ts')
      terminal.setExitCode(await convertFile(file, flags, terminal))
    })
}
