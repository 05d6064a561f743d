import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { DialectName } from '../src/cors/rule.ts'
import { isProblemCode, problemTexts } from '../src/doctor/codes.ts'
import { isNotSendable } from '../src/doctor/connection-problems.ts'
import { diagnose } from '../src/doctor/diagnose.ts'
import { examine } from '../src/doctor/examine.ts'
import { expectedOf } from '../src/doctor/expected.ts'
import type { Endpoint, Question } from '../src/doctor/facts.ts'
import { readEndpoint } from '../src/doctor/read-endpoint.ts'
import { nearest } from '../src/rule-file/closest.ts'
import { listenAddress } from '../src/settings/address.ts'
import { quote, size } from '../src/settings/value.ts'
import { systemRefusal } from '../src/text/system-error.ts'
import { programVersion } from '../src/version.ts'
import { complain } from './complain.ts'
import { doctorJson, doctorText } from './doctor-text.ts'
import { loadRules } from './load-rules.ts'
import { collectNames, dialectOption, hostSuffixOption } from './options.ts'
import type { Terminal } from './terminal.ts'

const notes = `
Doctor sends what a browser would send. It reports what stops the page from reading the response, at which hop, and
what to do. It works with any endpoint: the sidecar, MinIO, nginx, a CDN, a bucket at COS, OSS or S3.
Without --write, doctor uploads and deletes nothing. It announces an upload of --size bytes without sending them, which
is enough to find a size limit on the way. --write sends the whole request and changes the object at the URL.
Exit code: 0 healthy, 1 problems, 2 invalid usage or unreadable input.

Examples:
  cors-sidecar doctor --url https://s3.example.com/photos/cat.jpg --origin https://app.example.com
  cors-sidecar doctor --url https://s3.example.com/photos/cat.jpg --origin https://app.example.com --method PUT --header content-type --expose etag
  cors-sidecar doctor --url http://localhost:8080/photos/cat.jpg --origin http://localhost:5173 --store http://localhost:9000 --rules ./rules
  cors-sidecar doctor --explain preflight-answered-by-proxy
`

interface DoctorFlags {
  readonly url?: string
  readonly origin?: string
  readonly method: string
  readonly header: readonly string[]
  readonly expose: readonly string[]
  readonly credentials?: true
  readonly store?: string
  readonly rules?: string
  readonly dialect: DialectName
  readonly hostSuffix: readonly string[]
  readonly connectTo?: { readonly host: string; readonly port: number }
  readonly ca?: string
  readonly size: number
  readonly write?: true
  readonly timeout: number
  readonly format: 'text' | 'json'
  readonly explain?: string
}

export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description('send what a browser would send to any endpoint, and report what is wrong and where')
    .option('--url <URL>', 'what the page requests, such as https://s3.example.com/photos/cat.jpg')
    .option('--origin <ORIGIN>', 'the origin of the page, such as https://app.example.com')
    .option('--method <METHOD>', 'the method of the request', 'GET')
    .option('--header <NAME>', 'a request header that the page sets; repeatable', collectNames, [])
    .option('--expose <NAME>', 'a response header that the page reads; repeatable', collectNames, [])
    .option('--credentials', "the page sends cookies (credentials: 'include', withCredentials)")
    .option('--store <URL>', 'also send the request directly to the store, with the Host of --url')
    .option('--rules <DIR>', 'compare the responses with these rule files')
    .addOption(dialectOption('as in serve, for --rules').default('cos'))
    .addOption(hostSuffixOption('as in serve, for --rules; repeatable'))
    .addOption(
      new Option('--connect-to <HOST:PORT>', 'connect here instead of to the host of --url').argParser(
        readAddress,
      ),
    )
    .option('--ca <FILE>', 'a certificate authority to trust (PEM)')
    .addOption(
      new Option('--size <SIZE>', 'size of the upload to announce')
        .argParser(readSize)
        .default(8_388_608, '8MiB'),
    )
    .option('--write', 'send uploads and deletions in full')
    .addOption(
      new Option('--timeout <SECONDS>', 'how long to wait for each response')
        .argParser(readSeconds)
        .default(10, '10'),
    )
    .addOption(new Option('--format <FORMAT>', 'output format').choices(['text', 'json']).default('text'))
    .option('--explain <CODE>', 'explain a problem code and exit')
    .addHelpText('after', notes)
    .action(async (flags: DoctorFlags, command: Command) => {
      if (flags.explain !== undefined) return terminal.setExitCode(explainCode(flags.explain, terminal))
      if (flags.url === undefined) return command.error("error: required option '--url <URL>' not specified")
      if (flags.origin === undefined)
        return command.error("error: required option '--origin <ORIGIN>' not specified")
      return terminal.setExitCode(await doctor(flags, flags.url, flags.origin, terminal))
    })
}

async function doctor(
  flags: DoctorFlags,
  url: string,
  origin: string,
  terminal: Terminal,
): Promise<0 | 1 | 2> {
  const endpoint = readEndpoint(url)
  const store = flags.store === undefined ? undefined : readEndpoint(flags.store)
  const issues = mistakes(flags, origin)
  if (typeof endpoint === 'string') issues.push(`--url: ${endpoint}`)
  if (typeof store === 'string') issues.push(`--store: ${store}`)
  if (typeof endpoint === 'string' || typeof store === 'string' || issues.length > 0)
    return complain(terminal, ...issues)
  const question = questionOf(flags, endpoint, origin)
  const ca = await readCa(flags.ca, terminal)
  if (ca === undefined) return 2
  const snapshot =
    flags.rules === undefined ? undefined : await loadRules(flags.rules, flags.dialect, terminal)
  if (flags.rules !== undefined && snapshot === undefined) return 2
  const examined = await examine({
    question,
    store,
    timeout: flags.timeout * 1000,
    ca,
    connectTo: flags.connectTo,
    size: flags.size,
    write: flags.write === true,
    userAgent: `cors-sidecar-doctor/${programVersion()}`,
  })
  const { dialect, hostSuffix: hostSuffixes } = flags
  const rules = snapshot === undefined ? undefined : expectedOf(snapshot, { dialect, hostSuffixes }, question)
  const facts = { ...examined, rules }
  const problems = diagnose(question, facts)
  const result = { url, question, facts, problems }
  terminal.out(flags.format === 'json' ? doctorJson(result) : doctorText(result, terminal.colour))
  return problems.length === 0 ? 0 : 1
}

function questionOf(flags: DoctorFlags, endpoint: Endpoint, origin: string): Question {
  const lower = (names: readonly string[]): string[] =>
    [...new Set(names.map((name) => name.toLowerCase()))].sort()
  return {
    endpoint,
    origin,
    // Browsers normalize these to upper case (https://fetch.spec.whatwg.org/#concept-method-normalize).
    method: /^(?:delete|get|head|options|post|put)$/i.test(flags.method)
      ? flags.method.toUpperCase()
      : flags.method,
    headers: lower(flags.header).filter((name) => !isNotSendable(name)),
    unsendable: lower(flags.header).filter(isNotSendable),
    exposed: lower(flags.expose),
    credentials: flags.credentials === true,
    sidecarKnown: flags.store !== undefined || flags.rules !== undefined,
  }
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/

function mistakes({ method, header, expose }: DoctorFlags, origin: string): string[] {
  const issues: string[] = []
  if (!/^(?:null|[a-z][a-z0-9+.-]*:\/\/[!-.0->@-~]*)$/.test(origin))
    issues.push(`--origin: ${quote(origin)} is not an origin that a browser sends: ${betterOrigin(origin)}`)
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(method) || /^(?:options|connect|trace|track)$/i.test(method))
    issues.push(
      `--method: ${quote(method)} is a method that doctor cannot test: write one such as GET or PUT`,
    )
  for (const [flag, names] of [
    ['--header', header],
    ['--expose', expose],
  ] as const)
    for (const name of names.filter((name) => !token.test(name)))
      issues.push(`${flag}: ${quote(name)} is not a header name: write only the name, without a value`)
  return issues
}

function betterOrigin(origin: string): string {
  const found = /^(https?:\/\/[^/?#\s]+)[/?#]/i.exec(origin)?.[1]
  if (found !== undefined) return `write ${found.toLowerCase()}, without a path`
  return /^[a-z0-9.-]+(?::\d+)?$/i.test(origin)
    ? `write https://${origin}`
    : 'write https://HOST, in lower case'
}

async function readCa(file: string | undefined, terminal: Terminal): Promise<readonly string[] | undefined> {
  if (file === undefined) return []
  try {
    // `ca` replaces Node's own list, so that list is included.
    const { rootCertificates } = await import('node:tls')
    return [...rootCertificates, await readFile(resolve(terminal.cwd, file), 'utf8')]
  } catch (error) {
    complain(terminal, `--ca: ${quote(file)} cannot be read: ${systemRefusal(error)}`)
    return undefined
  }
}

function explainCode(code: string, terminal: Terminal): 0 | 2 {
  if (isProblemCode(code)) {
    const { meaning, remedy } = problemTexts[code]
    terminal.out(`${code}\n${meaning}\nRemedy: ${remedy}\n`)
    return 0
  }
  const codes = Object.keys(problemTexts)
  const near = nearest(code, codes)
  terminal.err(
    `error: unknown problem code ${quote(code)}${near === undefined ? '' : `: did you mean ${near}?`}\n`,
  )
  terminal.err(`The codes are: ${codes.join(', ')}.\n`)
  return 2
}

function readAddress(text: string): { readonly host: string; readonly port: number } {
  const read = listenAddress.read(text)
  if (read.kind === 'defect') throw new InvalidArgumentError(read.defect)
  return read.value
}

function readSize(text: string): number {
  const read = size(0, 5_368_709_120).read(text)
  if (read.kind === 'defect') throw new InvalidArgumentError(read.defect)
  return read.value
}

function readSeconds(text: string): number {
  const seconds = Number(text.replace(/s$/, ''))
  if (!(seconds > 0 && seconds <= 600))
    throw new InvalidArgumentError('Write a number of seconds greater than 0 and at most 600.')
  return seconds
}
