import { isIPv4 } from 'node:net'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { isoTime } from '../src/auth/timestamp.ts'
import { fetchMethod } from '../src/cors/method.ts'
import type { DialectName } from '../src/cors/rule.ts'

import { hostName, isBucketName } from '../src/plan/address.ts'
import {
  browserHeaderList,
  type Destination,
  type ExplainContext,
  explainRequest,
} from '../src/plan/explain-request.ts'
import { type Snapshot, serviceName } from '../src/plan/snapshot.ts'
import { advise, askedIn } from '../src/rules/advise.ts'
import { createRulesStore } from '../src/rules/store.ts'
import { quote } from '../src/settings/value.ts'
import { visibleJson } from '../src/text/visible.ts'
import { complain } from './complain.ts'
import { explanationText } from './explain-text.ts'
import { dialectOption, notABucketName } from './options.ts'
import type { Terminal } from './terminal.ts'

const notes = `
Without --actual, explains the preflight that a browser sends before the request.
Use --bucket _service for requests without a bucket. --method is converted as fetch() does it: put becomes PUT, but
patch stays patch.
Exit code: 0 allowed, 1 denied, 2 invalid usage.

Examples:
  cors-sidecar explain --bucket photos --origin https://example.com --method PUT --header content-type
  cors-sidecar explain --rules ./rules --bucket photos --origin https://example.com --method GET --actual
`

interface ExplainFlags {
  readonly rules: string
  readonly bucket: string
  readonly origin: string
  readonly method: string
  readonly header?: readonly string[]
  readonly actual?: true
  readonly dialect: DialectName
  readonly url: string
  readonly response?: true
  readonly format: 'text' | 'json'
}

export function addExplain(program: Command, terminal: Terminal): void {
  program
    .command('explain')
    .description('show how a browser request would be answered, why, and what would allow it')
    .option('--rules <DIR>', 'the rule files', './rules')
    .requiredOption('--bucket <NAME>', 'the bucket')
    .requiredOption('--origin <ORIGIN>', 'the origin of the page, e.g. https://example.com')
    .requiredOption('--method <METHOD>', 'the method of the request')
    .option('--header <NAME>', 'a header that the page sets; repeatable', collect)
    .option('--actual', 'the actual request, not its preflight')
    .addOption(dialectOption().default('cos'))
    .option('--url <URL>', 'URL that the page uses, with or without a path', 'http://localhost:8080')
    .option('--response', 'also print the exact response')
    .addOption(new Option('--format <FORMAT>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText('after', notes)
    .action(async (flags: ExplainFlags) => {
      terminal.setExitCode(await explainCommand(flags, terminal))
    })
}

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

/** A one-off command does not wait for files that are being written. */
const atOnce = { file: 0, incomplete: 0, emptied: 0 }

async function explainCommand(flags: ExplainFlags, terminal: Terminal): Promise<0 | 1 | 2> {
  const issues = mistakes(flags)
  if (issues.length > 0) return complain(terminal, ...issues)
  const directory = resolve(terminal.cwd, flags.rules)
  const store = createRulesStore({ directory, dialect: flags.dialect, debounce: atOnce })
  const { failure, snapshot } = await store.reload('start')
  if (failure !== undefined) return complain(terminal, `--rules: ${quote(flags.rules)}: ${failure}`)
  const { to, context } = addressOf(snapshot, flags)
  const { bucket, origin, header = [], actual = false, format } = flags
  const method = fetchMethod(flags.method)
  const requestedHeaders = browserHeaderList(header.flatMap((text) => text.split(',')))
  const question = { to, origin, method, requestedHeaders, actual }
  const answer = explainRequest(context, question)
  if (answer.kind === 'unusable') return complain(terminal, answer.message)
  const { explained } = answer
  const found = explained.bucket ?? explained.owner
  if (found?.toLowerCase() !== bucket.toLowerCase()) {
    const elsewhere = `does not lead to bucket ${bucket}: write http://HOST/${bucket}/OBJECT or http://${bucket}.HOST/OBJECT`
    return complain(terminal, `--url: ${quote(flags.url)} ${elsewhere}`)
  }
  const advice = await advise({ directory, dialect: flags.dialect, snapshot }, explained, [askedIn(question)])
  // A hint in the advice says what to change, so it replaces the hint about a near miss.
  const { hint = explained.hint, ...proposed } = advice
  const advised = { ...explained, hint, ...proposed }
  const style = { colour: terminal.colour, response: flags.response === true, rules: flags.rules }
  terminal.out(
    format === 'json'
      ? `${visibleJson(JSON.stringify(advised, undefined, 2))}\n`
      : explanationText(advised, style),
  )
  return explained.decision === 'allow' ? 0 : 1
}

/** Why a browser could not send this, with what to write instead. */
function mistakes({ bucket, origin, method, header = [], actual, url }: ExplainFlags): string[] {
  const issues: string[] = []
  const check = (usable: boolean, flag: string, text: string, words: string): void => {
    if (!usable) issues.push(`${flag}: ${quote(text)} ${words}`)
  }
  check(isBucketName(bucket) || bucket === serviceName, '--bucket', bucket, notABucketName)
  check(
    /^[!-~]{1,2048}$/.test(origin),
    '--origin',
    origin,
    'is not an origin that a browser sends: write scheme://host[:port] in ASCII (an international name as xn--…), or null',
  )
  check(/^[A-Za-z-]{1,32}$/.test(method), '--method', method, 'is not a method: write one such as GET or PUT')
  for (const name of header.flatMap((text) => text.split(',')))
    check(
      /^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}\s*$/.test(name),
      '--header',
      name,
      'is not a header name: write only the name, without a value',
    )
  if (actual && header.length > 0)
    issues.push(
      '--header cannot be used with --actual, because only a preflight asks for headers: remove one of them',
    )
  check(
    urlForm.test(url) && /^[!-~]{1,8192}$/.test(url),
    '--url',
    url,
    'is not a usable URL: write http://HOST:PORT or http://HOST:PORT/PATH',
  )
  return issues
}

/** Scheme and authority without user information, then path and query. Browsers never send the fragment. */
const urlForm = /^(https?:\/\/)((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)(\/[^#]*)?$/i

/** Where the request goes. The host after the bucket's name counts as a `--host-suffix`. */
function addressOf(
  snapshot: Snapshot,
  { bucket, url, dialect }: ExplainFlags,
): { readonly to: Destination; readonly context: ExplainContext } {
  const [, scheme = '', authority = '', path = '/'] = urlForm.exec(url) ?? []
  const host = hostName(authority)
  const prefix = `${bucket.toLowerCase()}.`
  const hostSuffixes = host.startsWith(prefix) && !isIPv4(host) ? [host.slice(prefix.length)] : []
  const namedByHost = hostSuffixes.length > 0 || snapshot.hosts.get(host) === bucket
  const to: Destination =
    bucket === serviceName
      ? { kind: 'host', host: authority, path }
      : path === '/' && !namedByHost
        ? { kind: 'bucket', bucket }
        : { kind: 'host', host: authority, path: path === '/' ? '/exampleobject' : path }
  const setup = {
    dialect,
    hostSuffixes,
    unconfigured: 'refuse',
    bucketCorsApi: 'off',
    debugHeaders: false,
  } as const
  return { to, context: { snapshot, setup, identity, endpoint: `${scheme}${authority}` } }
}

/** Any values will do: request ids differ with every request. */
const identity = {
  unixSeconds: 0,
  node: 0,
  process: 0,
  sequence: 0x1000000,
  isoTime,
  randomHex: (length: number): string => '0'.repeat(length),
}
