import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { nodeDefect } from '../../cmd/node-version.ts'
import { run } from '../../cmd/program.ts'
import type { Signals } from '../../cmd/signals.ts'
import type { Terminal } from '../../cmd/terminal.ts'
import { pieces } from './rule-commands.ts'

const packageJson: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const noSignals: Signals = { onTerminate: () => {}, onReload: () => {}, onExit: () => {} }

/** Runs a command line in this process, with a recording terminal. */
async function runHere(...argv: readonly string[]): Promise<Outcome> {
  let [code, out, err]: [number | null, string, string] = [null, '', '']
  const terminal: Terminal = {
    out: (written) => {
      out += written
    },
    err: (written) => {
      err += written
    },
    stdin: pieces(),
    setExitCode: (exitCode) => {
      code = exitCode
    },
    env: {},
    cwd: import.meta.dirname,
    colour: false,
  }
  await run(argv, terminal, noSignals)
  return { code, out, err }
}

/** Starts the program as its users do; Node runs `preload` before it. */
function start(argv: readonly string[], preload = '', env: NodeJS.ProcessEnv = {}): ChildProcess {
  const imports = preload === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`]
  const main = new URL('../../cmd/main.ts', import.meta.url).pathname
  return spawn(process.execPath, [...imports, main, ...argv], { env: { ...process.env, ...env } })
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  if (child.stdout === null || child.stderr === null) throw new Error('the output is not piped')
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, out, err }
}

describe('the version of Node', () => {
  const safe = ['v22.23.2', 'v22.24.0', 'v24.18.1', 'v24.99.0', 'v26.5.1', 'v26.10.0', 'v27.0.0', 'v30.1.2']
  const unsafe = [
    'v18.20.8',
    'v20.20.2',
    'v22.23.1',
    'v22.9.9',
    'v23.99.0',
    'v24.18.0',
    'v25.9.0',
    'v26.5.0',
    'v26.4.9',
  ]

  test.each(safe)('%s is safe', (version) => {
    expect(nodeDefect(version)).toBeUndefined()
  })

  test.each([...unsafe, 'v27.0.0-nightly2026', 'v26.10.0-rc.1', '26.10.0', ''])('%s is not', (version) => {
    expect(nodeDefect(version)).toBe(
      `the HTTP parser of Node ${version} may let requests be smuggled past a proxy (CVE-2026-58044): ` +
        'install Node 26.5.1 or later, 24.18.1 or a later 24.x, or 22.23.2 or a later 22.x',
    )
  })

  test('package.json asks for the same', () => {
    expect(packageJson).toMatchObject({ engines: { node: '^22.23.2 || ^24.18.1 || >=26.5.1' } })
  })

  const old = `Object.defineProperty(process, 'version', { value: 'v24.1.0' }); delete Map.groupBy;`

  test('is checked before a server loads anything else', async () => {
    const loaded =
      "process.on('exit', () => console.log(process.moduleLoadList.includes('NativeModule http')))"
    const child = start(['serve', '--upstream', 'http://127.0.0.1:9'], `${old} ${loaded}`)
    expect(await outcomeOf(child)).toEqual({
      code: 2,
      out: 'false\n',
      err: `error: ${nodeDefect('v24.1.0')}; this Node cannot serve\n`,
    })
  })

  test.each([
    ['--version'],
    ['help', 'serve'],
    ['serve', '--help'],
    ['schema'],
    ['check', new URL('../../rules', import.meta.url).pathname],
  ])('is only a warning for %s %s', async (...argv) => {
    const { code, out, err } = await outcomeOf(start(argv, old))
    expect(code).toBe(0)
    if (argv[0] !== 'check') expect(out).not.toBe('')
    expect(err.split('\n')[0]).toBe(`warning: ${nodeDefect('v24.1.0')}; serve and demo refuse to start`)
  })
})

describe('the program', () => {
  test('prints its version, and removes variables from the environment that would corrupt requests', async () => {
    const child = start(
      ['--version'],
      "process.on('exit', () => console.error(process.env.FORCE_FETCH_PATH))",
      { FORCE_FETCH_PATH: 'true' },
    )
    const { code, out, err } = await outcomeOf(child)
    expect(packageJson).toMatchObject({ version: out.trim() })
    expect({ code, err }).toEqual({ code: 0, err: 'undefined\n' })
  })

  test('exits with its own code and no error message when the reader of its output has gone', async () => {
    const child = start(['serve', '--help'])
    child.stdout?.destroy()
    if (child.stderr === null) throw new Error('the output is not piped')
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect({ code, err }).toEqual({ code: 0, err: '' })
  })
})

describe('help', () => {
  const commands = [
    ...[
      'serve',
      'demo',
      'check',
      'explain',
      'doctor',
      'suggest',
      'init',
      'replay',
      'convert',
      'schema',
      'completion',
    ],
  ]

  test('of the program names every command', async () => {
    const { code, out, err } = await runHere('--help')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command} `, 'm'))
    expect(out).toContain('Examples:\n  cors-sidecar ')
  })

  test.each([
    ['-h'],
    ['help'],
    ['-V'],
    ['--version'],
    ['help', 'check'],
    ['check', '-h'],
  ])('%s %s prints to stdout and ends with 0', async (...argv) => {
    const { code, out, err } = await runHere(...argv)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(
      argv.includes('check') ? /^Usage: cors-sidecar check / : /^(?:Usage: cors-sidecar |\d+\.\d+\.\d+\n)/,
    )
  })

  test('of a command that does not exist ends with 2', async () => {
    expect(await runHere('help', 'nothing')).toMatchObject({ code: 2 })
  })

  test.each(commands)('of %s has an example', async (command) => {
    const { code, out, err } = await runHere(command, '--help')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(`Usage: cors-sidecar ${command} `)
    expect(out).toMatch(new RegExp(`Examples?:\\n  .*cors-sidecar ${command}`))
  })

  test('of serve names every setting with its default', async () => {
    const { out } = await runHere('serve', '--help')
    const words = out.replaceAll(/\s+/g, ' ')
    for (const part of [
      '--upstream <URL> the store',
      '--rules <DIR> the rule files, one per bucket (default: ./rules)',
      '--listen <HOST:PORT> the data port (default: 0.0.0.0:8080)',
      '--admin <HOST:PORT> metrics, health, console (default: 127.0.0.1:9464)',
      '--dialect <cos|oss|s3|http> ',
      '--host-suffix <NAME> ',
      '--unconfigured <refuse|forward> ',
      '--bucket-cors-api <off|read|write> ',
      '--credentials <FILE> ',
      '--upstream-ca <FILE> ',
      '--tls-cert <FILE> ',
      '--tls-key <FILE> ',
      '--debug-headers [true|false] ',
      '--headers-timeout <TIME> time limit for receiving the complete request headers (default: 15s)',
      "--upstream-timeout <TIME> time limit for the first byte of the store's response (default: 60s)",
      '--idle-timeout <TIME> time limit for a running request with no bytes in either direction (default: 120s)',
      '--max-header-size <SIZE> size limit of request line and header lines (default: 16KiB)',
      '--forwarded-for <off|append|replace> ',
      '--strict-start [true|false] ',
      '--candidate-rules <DIR> ',
      '--admin-token-file <FILE> ',
      '--overwrite-authored [true|false] ',
      '--log-level <LEVEL> lowest level to log: trace, debug, info, warn, error, fatal, silent (default: info)',
      '--log-format <json|text> log lines as JSON or as text (default: text on a terminal, else json)',
      '--drain-timeout <TIME> ',
      '--workers <N> ',
      '--config <FILE> ',
      '--print-config ',
    ])
      expect(words).toContain(part)
  })
})

describe('a wrong command line', () => {
  test.each([
    [[], /^Usage: cors-sidecar /],
    [['serv'], /^error: unknown command 'serv'\n\(Did you mean serve\?\)\n/],
    [
      ['serve', '--upstraem', 'http://a'],
      /^error: unknown option '--upstraem'\n\(Did you mean --upstream\?\)\n/,
    ],
    [['serve', '--upstream'], /^error: option '--upstream <URL>' argument missing\n/],
    [['serve', 'rules'], /^error: too many arguments for 'serve'\. Expected 0 arguments but got 1/],
    [
      ['explain', '--origin', 'https://a.example', '--method', 'GET'],
      /^error: required option '--bucket <NAME>' not specified\n/,
    ],
    [
      ['explain', '--dialect', 'aws'],
      /^error: option '--dialect <NAME>' argument 'aws' is invalid\. Allowed choices are cos, oss, s3, http\.\n/,
    ],
    [['check', '--nope'], /^error: unknown option '--nope'/],
  ])('%j ends with 2 and says so on stderr alone', async (argv, message) => {
    const { code, out, err } = await runHere(...argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
  })
})
