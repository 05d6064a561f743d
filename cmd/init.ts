import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { type PresetName, presetAliases, presetNames, presetOf, presets } from '../src/cors/presets.ts'
import type { DialectName, RuleFile } from '../src/cors/rule.ts'
import { matchesStar, readStar } from '../src/cors/star.ts'
import { isBucketName } from '../src/plan/address.ts'
import { fallbackName, serviceName } from '../src/plan/snapshot.ts'
import { convert } from '../src/rule-file/convert.ts'
import { readFileName } from '../src/rule-file/names.ts'
import { readInChild } from '../src/rules/read-in-child.ts'
import { quote } from '../src/settings/value.ts'
import { complain } from './complain.ts'
import { findingText } from './findings-text.ts'
import { dialectOption, notABucketName } from './options.ts'
import type { Terminal } from './terminal.ts'
import { makeDirectory, whyUnwritable, writeNewRuleFile } from './write-rule-file.ts'

const notes = `
BUCKET is the name of the bucket, _default for the buckets without a file, or _service for requests without a bucket.
An existing file is never changed. The new file is checked before it is written.
Presets:
${presetNames.map((name) => `  ${name.padEnd(17)} ${presets[name].purpose}`).join('\n')}
Exit code: 0 written; 1 not written, because check would report an error or a warning; 2 invalid usage, or the file
exists or cannot be written.

Examples:
  cors-sidecar init photos --origin https://app.example.com --client aws-sdk-js-v3
  cors-sidecar init docs --origin https://www.example.com https://intranet.example.com --client range-read
`

interface InitFlags {
  readonly origin: readonly string[]
  readonly client: string
  readonly rules: string
  readonly dialect: DialectName
}

export function addInit(program: Command, terminal: Terminal): void {
  program
    .command('init')
    .description('write a first rule file, with its tests')
    .argument('<BUCKET>', 'the bucket')
    .requiredOption('--origin <ORIGIN...>', 'origins of the pages, such as https://app.example.com')
    .addOption(
      new Option('--client <PRESET>', 'client library that the pages use')
        .choices([...presetNames, ...Object.keys(presetAliases)])
        .default('presigned-upload'),
    )
    .option('--rules <DIR>', 'the directory of the rule files', './rules')
    .addOption(dialectOption().default('cos'))
    .addHelpText('after', notes)
    .action(async (bucket: string, flags: InitFlags) => {
      terminal.setExitCode(await init(bucket, flags, terminal))
    })
}

async function init(bucket: string, flags: InitFlags, terminal: Terminal): Promise<0 | 1 | 2> {
  if (!isBucketName(bucket) && bucket !== fallbackName && bucket !== serviceName)
    return complain(terminal, `${quote(bucket)} ${notABucketName}`)
  const name = `${bucket}.yaml`
  const { text } = convert(fileFor(flags), 'yaml', flags.dialect)
  const read = await readInChild(name, new TextEncoder().encode(text), flags.dialect)
  const findings = read.findings.filter(({ severity }) => severity !== 'info')
  if (findings.length > 0) {
    for (const finding of findings) terminal.err(findingText(finding, text, terminal.colour))
    terminal.err(`error: ${name} was not written: correct --origin first\n`)
    return 1
  }
  const folder = resolve(terminal.cwd, flags.rules)
  const shown = join(flags.rules, name)
  try {
    await makeDirectory(folder)
    const present = (await readdir(folder)).find((file) => isFileOf(file, bucket))
    if (present !== undefined)
      return complain(
        terminal,
        `bucket ${bucket} has a rule file already: edit ${join(flags.rules, present)}`,
      )
    await writeNewRuleFile(folder, name, text)
  } catch (error) {
    return complain(terminal, `${quote(shown)} cannot be written: ${whyUnwritable(error)}`)
  }
  terminal.out(`${shown}\n`)
  terminal.err(
    `Written. Next: 'cors-sidecar check ${flags.rules}', then 'cors-sidecar serve --upstream URL --rules ${flags.rules}'.\n`,
  )
  return 0
}

function isFileOf(file: string, bucket: string): boolean {
  const name = readFileName(file)
  return name.kind === 'rules' && name.bucket === bucket
}

const unlisted = 'https://not-listed.example'

function allowsUnlisted(origin: string): boolean {
  const pattern = readStar(origin)
  return pattern !== undefined && matchesStar(unlisted, pattern)
}

/** A rule with the preset, a test for each origin, and one for an origin that is not listed, unless all are allowed. */
function fileFor({ origin: origins, client }: InitFlags): RuleFile {
  const preset = presetOf(client) ?? presets['presigned-upload']
  const { purpose: _, ...fields } = preset
  const method = preset.allowedMethods.find((name) => name === 'PUT') ?? 'GET'
  const headers = preset.allowedHeaders.filter((name) => !name.includes('*')).slice(0, 2)
  const test = (origin: string, expect: 'allow' | 'deny') => ({
    origin,
    method,
    headers,
    expect,
    actual: false,
  })
  // A pattern is not an origin, so its tests use `app` for the `*`.
  const asked = origins.map((origin) => origin.replace('*', 'app'))
  return {
    rules: [{ id: 'web', preset: presetName(client), allowedOrigins: origins, ...fields }],
    vary: 'auto',
    responseVary: false,
    mode: 'enforce',
    hosts: [],
    tests: [
      ...asked.map((origin) => test(origin, 'allow')),
      ...(origins.some(allowsUnlisted) ? [] : [test(unlisted, 'deny')]),
    ],
  }
}

function presetName(client: string): PresetName {
  const aliased = Object.entries(presetAliases).find(([alias]) => alias === client)?.[1] ?? client
  return presetNames.find((name) => name === aliased) ?? 'presigned-upload'
}
