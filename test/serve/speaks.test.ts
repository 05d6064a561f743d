import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createStoreWatch } from '../../src/log/store-watch.ts'
import { textLines } from '../../src/log/text-lines.ts'
import { upstreamErrorTypes } from '../../src/requests/finished-request.ts'
import { createStoreHealth } from '../../src/requests/store-health.ts'
import { folderWith } from '../cmd/rule-commands.ts'
import { quietPort } from '../quiet-port.ts'
import { exchange } from './exchange.ts'
import { endProgram, main, startProgram } from './program.ts'

const photos = 'rules:\n  - {allowedOrigins: ["https://a.example"], allowedMethods: [GET]}\n'

async function startStore(port: number): Promise<void> {
  const server = createServer((_, response) => response.end('object'))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
}

async function started(files: Readonly<Record<string, string>>, store: number, more: readonly string[] = []) {
  const folder = folderWith({ 'rules/.keep': '', ...files })
  const program = await startProgram(`http://127.0.0.1:${store}`, `${folder}/rules`, more)
  onTestFinished(() => endProgram(program))
  return { folder, program }
}

describe('the start line', () => {
  test.each([
    [[]],
    [['--workers', '2']],
  ])('names store, rules, dialect and the number of buckets (%j)', async (more) => {
    const { folder, program } = await started({ 'rules/photos.yaml': photos, 'rules/docs.yaml': photos }, 9, [
      '--dialect',
      'S3',
      ...more,
    ])
    const line = await program.logged(({ msg }) => msg === 'serving')
    expect(line).toMatchObject({
      level: 'info',
      store: 'http://127.0.0.1:9',
      rules: `${folder}/rules`,
      dialect: 's3',
      buckets: 2,
    })
  })

  test('comes after a warning where there are no rule files', async () => {
    const { folder, program } = await started({}, 9)
    const line = await program.logged(({ level }) => level === 'warn')
    expect(line.msg).toBe(
      `no rule files in ${folder}/rules: every preflight is refused; add a file BUCKET.yaml, or check --rules`,
    )
    expect(await program.logged(({ msg }) => msg === 'serving')).toMatchObject({ buckets: 0 })
  })

  test('comes without a warning where there is one', async () => {
    const { program } = await started({ 'rules/photos.yaml': photos }, 9)
    await program.logged(({ msg }) => msg === 'serving')
    expect(program.out().filter((line) => line.includes('"warn"'))).toEqual([])
  })
})

/** A store watch, and the lines that it logs. */
function watched(now: () => number) {
  const lines: unknown[] = []
  const log = {
    warn: (msg: string, fields?: object) => void lines.push(['warn', msg, fields]),
    info: (msg: string, fields?: object) => void lines.push(['info', msg, fields]),
  }
  return { lines, watch: createStoreWatch(log, 'http://store', now) }
}

describe('a store that cannot be reached', () => {
  test('is one warning for any number of failures, and one line when it is back', async () => {
    const port = quietPort()
    const { program } = await started({ 'rules/photos.yaml': photos }, port)
    for (let count = 0; count < 5; count++)
      expect((await exchange(`${program.data}/photos/a`)).status).toBe(502)
    const down = await program.logged(({ level, store }) => level === 'warn' && store !== undefined)
    expect(down).toMatchObject({
      msg: 'the store is unreachable or does not respond (refused): check that it is running and that --upstream is correct',
      store: `http://127.0.0.1:${port}`,
      failed: 1,
    })
    await startStore(port)
    expect((await exchange(`${program.data}/photos/a`)).status).toBe(200)
    const back = await program.logged(({ msg }) => msg === 'the store is reachable again')
    expect(back).toMatchObject({ level: 'info', failed: 5 })
    expect(program.out().filter((line) => line.includes('is unreachable'))).toHaveLength(1)
  })

  test('is warned of again after a minute, with the number of failures', () => {
    let now = 0
    const { lines, watch } = watched(() => now)
    for (now = 0; now <= 60_000; now += 10_000)
      watch({ upstreamError: 'dns', upstreamMilliseconds: undefined })
    // Responses made here, and aborted ones, prove nothing about the store.
    watch({ upstreamError: undefined, upstreamMilliseconds: undefined })
    watch({ upstreamError: undefined, upstreamMilliseconds: 3 })
    watch({ upstreamError: undefined, upstreamMilliseconds: 3 })
    const words =
      'the store is unreachable or does not respond (dns): check that it is running and that --upstream is correct'
    expect(lines).toEqual([
      ['warn', words, { store: 'http://store', 'error.type': 'dns', failed: 1 }],
      ['warn', words, { store: 'http://store', 'error.type': 'dns', failed: 7 }],
      ['info', 'the store is reachable again', { store: 'http://store', failed: 7, seconds: 70 }],
    ])
  })

  test.each(
    upstreamErrorTypes.flatMap((type) => [
      [type, 'before the first byte', undefined] as const,
      [type, 'after the first byte', 3] as const,
    ]),
  )('%s %s: the log warns if the console shows the store as unreachable', (upstreamError, _, milliseconds) => {
    const { lines, watch } = watched(() => 0)
    const health = createStoreHealth()
    const sign = { upstreamError, upstreamMilliseconds: milliseconds }
    watch(sign)
    health.finished(sign)
    expect(lines).toHaveLength(health.current().state === 'unreachable' ? 1 : 0)
    watch({ upstreamError: 'refused', upstreamMilliseconds: undefined })
    watch(sign)
    const isBack = lines.some((line) => String(line).includes('reachable again'))
    expect(isBack).toBe(health.current().state === 'answers')
  })
})

/** Runs the program on a terminal, and ends it with Ctrl-C once `until` was shown. */
async function onTerminal(argv: readonly string[], until: string): Promise<string> {
  const words = [process.execPath, main, ...argv].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', words, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  })
  let shown = ''
  let isAsked = false
  for await (const piece of child.stdout) {
    shown += piece
    if (!shown.includes(until) || isAsked) continue
    isAsked = true
    child.stdin.write('\u0003')
  }
  return shown.replaceAll('\r', '')
}

const hasScript = spawnSync('script', ['--version']).status === 0

describe.skipIf(!hasScript)('on a terminal', () => {
  test('serve prints a banner and readable text lines', async () => {
    const folder = folderWith({ 'rules/photos.yaml': photos })
    const argv = [
      'serve',
      '--upstream',
      'http://127.0.0.1:9',
      '--rules',
      `${folder}/rules`,
      '--listen',
      '127.0.0.1:0',
      '--admin',
      '127.0.0.1:0',
    ]
    const shown = await onTerminal(argv, 'serving')
    expect(shown).toMatch(/^cors-sidecar \d+\.\d+\.\d+\n {2}store {4}http:\/\/127\.0\.0\.1:9\n/m)
    expect(shown).toContain(`  rules    ${folder}/rules (1 rule file, dialect cos)\n`)
    expect(shown).toMatch(
      /^ {2}data {5}http:\/\/127\.0\.0\.1:\d+\/\n {2}console {2}http:\/\/127\.0\.0\.1:\d+\/$/m,
    )
    expect(shown).toMatch(/^\d\d:\d\d:\d\d info {2}serving store=http:\/\/127\.0\.0\.1:9 /m)
    expect(shown).not.toContain('"level"')
  })

  test('--log-format json stays JSON', async () => {
    const folder = folderWith({ 'rules/photos.yaml': photos })
    const argv = [
      'serve',
      '--upstream',
      'http://127.0.0.1:9',
      '--rules',
      `${folder}/rules`,
      '--listen',
      '127.0.0.1:0',
      '--admin',
      '127.0.0.1:0',
      '--log-format',
      'json',
    ]
    expect(await onTerminal(argv, 'serving')).toContain('"msg":"serving"')
  })
})

describe('text lines', () => {
  const written = (line: string): string => {
    let text = ''
    const write = (lines: string | Uint8Array): void => {
      text += String(lines)
    }
    textLines({ write, close: async () => {} }).write(line)
    return text
  }

  test('say what a request was, what was decided and how it ended', () => {
    const line = JSON.stringify({
      level: 'info',
      time: '2026-01-02T03:04:05.678Z',
      msg: 'request',
      request_id: 'x',
      'url.path': '/photos/a',
      'http.request.method': 'OPTIONS',
      bucket: 'photos',
      kind: 'preflight',
      decision: 'deny',
      reason: 'origin',
      'http.request.header.origin': ['https://b.example'],
      'http.response.status_code': 403,
      duration_ms: 0.123,
    })
    expect(written(`${line}\n${line}\n`)).toBe(
      '03:04:05 info  OPTIONS /photos/a 403 0.123 ms preflight deny (origin) from https://b.example\n'.repeat(
        2,
      ),
    )
  })

  test('escape control characters of requests', () => {
    const line = JSON.stringify({
      level: 'warn',
      time: '2026-01-02T03:04:05.678Z',
      msg: 'a\u001b[2J\nb',
      path: '\u009b1m\u2028',
    })
    expect(written(`${line}\n`)).toBe('03:04:05 warn  a\\u001b[2J\\u000ab path=\\u009b1m\\u2028\n')
  })

  test('pass on lines that are not JSON', () => {
    expect(written('plain\n')).toBe('plain\n')
  })
})
