import { InvalidArgumentError, Option } from 'commander'
import type { DialectName } from '../src/cors/rule.ts'
import { dialectNames } from '../src/dialect/named.ts'
import { hostSuffix } from '../src/settings/address.ts'

/** `--dialect`, case-insensitive, because people write S3 as the vendor does. */
export function dialectOption(help = 'as in serve'): Option {
  const option = new Option('--dialect <NAME>', help).choices(dialectNames)
  return option.argParser((text: string): DialectName => {
    const name = dialectNames.find((candidate) => candidate === text.toLowerCase())
    if (name === undefined) throw new InvalidArgumentError(`Allowed choices are ${dialectNames.join(', ')}.`)
    return name
  })
}

/** `--host-suffix`, repeatable, parsed as in `serve`. */
export function hostSuffixOption(help = 'as in serve; repeatable'): Option {
  return new Option('--host-suffix <NAME>', help).argParser(collectSuffix).default([], 'none')
}

function collectSuffix(text: string, before: readonly string[] = []): readonly string[] {
  const read = hostSuffix.read(text)
  if (read.kind === 'defect') throw new InvalidArgumentError(read.defect)
  return [...before, read.value]
}

/** Values of a repeatable option; each may hold several names, separated by commas. */
export const collectNames = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
]

/** Follows the quoted name. */
export const notABucketName =
  'is not a valid bucket name: write 1 to 63 of the characters A-Z a-z 0-9 . _ -, starting with a letter or digit'
