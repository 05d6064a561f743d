import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../cmd/program.ts'
import type { Terminal } from '../../cmd/terminal.ts'
import { pieces } from './rule-commands.ts'

let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serve-'))
  await mkdir(join(directory, 'rules'))
  const file = (name: string, content: string | Uint8Array): Promise<void> =>
    writeFile(join(directory, name), content)
  await file('sidecar.yaml', 'upstream: http://127.0.0.1:9\nlisten: 127.0.0.1:8088\n')
  await file('wrong.yaml', 'upstreem: http://127.0.0.1:9\nidleTimeout: 15\n')
  await file('latin1.yaml', Uint8Array.of(0x23, 0xe9, 0x0a))
  await file('long.yaml', `#${'x'.repeat(65_536)}`)
  await file('secret.yaml', 'upstream: http://127.0.0.1:9\n')
  await chmod(join(directory, 'secret.yaml'), 0)
  await mkdir(join(directory, 'broken'))
  await file(
    'broken/photos.yaml',
    'rules:\n  - allowedOrigins: "https://example.com/path"\n    allowedMethods: GET\n',
  )
})

afterAll(async () => {
  await rm(directory, { recursive: true })
})

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function serve(argv: readonly string[], env: Terminal['env'] = {}): Promise<Outcome> {
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
    env,
    cwd: directory,
    colour: false,
  }
  // A program that starts unexpectedly ends at once.
  await run(['serve', ...argv], terminal, {
    onTerminate: (listener) => listener(),
    onReload: () => {},
    onExit: () => {},
  })
  return { code, out, err }
}

const refused = (...issues: readonly string[]): Outcome => ({
  code: 2,
  out: '',
  err: issues.map((issue) => `error: ${issue}\n`).join(''),
})

describe('settings that cannot be used', () => {
  test('every mistake is one line on stderr, and the exit code is 2', async () => {
    const outcome = await serve(['--config', 'wrong.yaml', '--workers', '0'], { CORS_SIDECAR_LISTEN: '8080' })
    expect(outcome).toEqual(
      refused(
        'wrong.yaml:1:1: "upstreem": unknown setting: did you mean upstream?',
        'CORS_SIDECAR_LISTEN: "8080" is a port without an address: write 127.0.0.1:8080 or 0.0.0.0:8080',
        'wrong.yaml:2:14: idleTimeout: "15" has no unit: write 15s for seconds or 15ms for milliseconds',
        '--workers: 0 is out of range: write a whole number from 1 to 128',
        '--upstream is missing: write --upstream http://HOST:PORT, set CORS_SIDECAR_UPSTREAM, or write upstream: in the config file',
      ),
    )
  })

  test('a wrong URL of the store', async () => {
    expect(await serve(['--upstream', 'minio:9000'])).toEqual(
      refused('--upstream: "minio:9000" has no scheme: write http://minio:9000 or https://minio:9000'),
    )
  })

  test.each<[file: string, issue: string]>([
    ['nowhere.yaml', '"nowhere.yaml" cannot be read: it does not exist'],
    ['rules', '"rules" cannot be read: it is a directory'],
    ['', '"" cannot be read: it is a directory'],
    ['latin1.yaml', '"latin1.yaml" cannot be read: it is not UTF-8'],
    ['long.yaml', '"long.yaml" is longer than 65536 bytes, the limit for a config file'],
  ])('a config file %j', async (file, issue) => {
    // With an unreadable file, missing settings are unknown and not reported.
    expect(await serve(['--config', file])).toEqual(refused(`--config: ${issue}`))
  })

  test.skipIf(process.getuid?.() === 0)('a config file that may not be read', async () => {
    expect(await serve(['--config', 'secret.yaml'])).toEqual(
      refused('--config: "secret.yaml" cannot be read: permission denied: check its owner and mode'),
    )
  })

  test('the variable for the config file is named when it is at fault', async () => {
    expect(await serve([], { CORS_SIDECAR_CONFIG: 'nowhere.yaml' })).toEqual(
      refused('CORS_SIDECAR_CONFIG: "nowhere.yaml" cannot be read: it does not exist'),
    )
  })
})

describe('--print-config', () => {
  test('prints the effective settings of all sources and does not start', async () => {
    const argv = [
      '--print-config',
      '--host-suffix',
      'a.example',
      '--host-suffix',
      'b.example',
      '--debug-headers',
    ]
    const { code, out, err } = await serve(argv, {
      CORS_SIDECAR_CONFIG: 'sidecar.yaml',
      CORS_SIDECAR_DIALECT: 's3',
    })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const line of [
      'upstream: http://127.0.0.1:9 # sidecar.yaml:1:11',
      'listen: 127.0.0.1:8088 # sidecar.yaml:2:9',
      'dialect: s3 # CORS_SIDECAR_DIALECT',
      'hostSuffix: # --host-suffix',
      '  - b.example',
      'debugHeaders: true # --debug-headers',
      'rules: ./rules # default',
    ])
      expect(out.split('\n')).toContain(line)
  })

  test('--config comes before its variable', async () => {
    const { out } = await serve(['--print-config', '--config', 'sidecar.yaml'], {
      CORS_SIDECAR_CONFIG: 'nowhere.yaml',
    })
    expect(out).toContain('sidecar.yaml:1:11')
  })

  test('settings that cannot be used are not printed', async () => {
    const { code, out } = await serve(['--print-config'])
    expect({ code, out }).toEqual({ code: 2, out: '' })
  })
})

describe('a start that fails', () => {
  const usable = ['--upstream', 'http://127.0.0.1:9', '--log-level', 'silent', '--admin', '127.0.0.1:0']

  test('the rules directory cannot be read', async () => {
    const { code, err } = await serve([...usable, '--listen', '127.0.0.1:0', '--rules', 'nowhere'])
    expect(code).toBe(2)
    expect(err).toMatch(/^error: --rules [^\n]*nowhere: [^\n]*it does not exist\n$/)
  })

  test('with --strict-start a rule file has an error', async () => {
    const { code, err } = await serve([
      ...usable,
      '--listen',
      '127.0.0.1:0',
      '--rules',
      'broken',
      '--strict-start',
    ])
    expect(code).toBe(2)
    expect(err).toMatch(/^error: photos\.yaml:2:\d+: error [a-z-]+: /)
    expect(err).toMatch(/\nerror: --strict-start: [^\n]+\n$/)
  })

  test.each(['--listen', '--admin'])('the port of %s is in use', async (flag) => {
    const holder = createServer()
    await once(holder.listen(0, '127.0.0.1'), 'listening')
    const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`
    const free = flag === '--listen' ? '--admin' : '--listen'
    const { code, out, err } = await serve([...usable, free, '127.0.0.1:0', flag, taken])
    holder.close()
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toBe(
      `error: ${flag} ${taken}: the port is in use: stop the program that uses it, or choose another port\n`,
    )
  })

  test.each([
    ['--tls-cert', ['--tls-cert', 'nowhere.pem', '--tls-key', 'nowhere.pem']],
    ['--upstream-ca', ['--upstream', 'https://127.0.0.1:9', '--upstream-ca', 'nowhere.pem']],
  ])('a file of %s is missing', async (flag, more) => {
    const { code, err } = await serve([...usable, '--listen', '127.0.0.1:0', ...more])
    expect(code).toBe(2)
    expect(err).toMatch(new RegExp(`^error: ${flag} [^\\n]*nowhere\\.pem[^\\n]*\\n$`))
  })
})

describe('the program itself', () => {
  test('serves until SIGTERM, then ends with 0 and nothing on stderr', async () => {
    const main = new URL('../../cmd/main.ts', import.meta.url).pathname
    const argv = [
      main,
      'serve',
      '--upstream',
      'http://127.0.0.1:9',
      '--listen',
      '127.0.0.1:0',
      '--admin',
      '127.0.0.1:0',
    ]
    const child = spawn(process.execPath, argv, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
    const err = text(child.stderr)
    const exit = once(child, 'exit')
    for await (const line of createInterface(child.stdout))
      if (line.includes('"serving"')) child.kill('SIGTERM')
    const [code, signal] = await exit
    expect({ code, signal, err: await err }).toEqual({ code: 0, signal: null, err: '' })
  })
})
