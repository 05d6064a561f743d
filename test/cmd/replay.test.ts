import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boundedLines } from '../../cmd/bounded-lines.ts'
import { run } from '../../cmd/program.ts'
import { createReplay } from '../../src/compare/replay.ts'
import { readRequestLine } from '../../src/log/read-request-line.ts'
import { requestLine } from '../../src/log/request-line.ts'
import { collectGarbage } from '../collect-garbage.ts'
import { rule, ruleFile, setup, snapshotOf } from '../core.ts'
import { finished, preflight } from '../finished.ts'
import { serveInTest } from '../serving.ts'
import { pieces } from './rule-commands.ts'

const web = rule({
  id: 'web',
  allowedMethods: ['GET', 'PUT'],
  allowedHeaders: ['content-type', 'x-amz-date'],
})
const served = snapshotOf({
  photos: ruleFile({ rules: [web] }),
  reported: ruleFile({ rules: [web], mode: 'report' }),
})

type Sent = Parameters<typeof finished>[1]

/** The log line of a request. */
const line = (sent: Sent, snapshot = served): string =>
  requestLine(finished(snapshot, sent), '2026-01-02T03:04:05.678Z')

const yaml = (
  parts: { methods?: string; headers?: string; origins?: string; more?: string } = {},
): string => `rules:
  - id: web
    allowedOrigins: [${parts.origins ?? '"https://example.com"'}]
    allowedMethods: [${parts.methods ?? 'GET, PUT'}]
    allowedHeaders: [${parts.headers ?? 'content-type, x-amz-date'}]
${parts.more ?? ''}`

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'))
})
afterAll(() => rm(folder, { recursive: true }))

let made = 0
async function rulesOf(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = join(folder, `rules-${++made}`)
  await mkdir(directory)
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
  return directory
}

async function logOf(...lines: readonly string[]): Promise<string> {
  const file = join(folder, `log-${++made}.ndjson`)
  await writeFile(file, lines.map((one) => `${one}\n`).join(''))
  return file
}

const same = { 'photos.yaml': yaml(), 'reported.yaml': yaml({ more: 'mode: report\n' }) }

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function replayed(...argv: readonly string[]): Promise<Outcome> {
  let [code, out, err]: [number | null, string, string] = [null, '', '']
  const terminal = {
    out: (written: string) => {
      out += written
    },
    err: (written: string) => {
      err += written
    },
    stdin: pieces(),
    setExitCode: (exitCode: number) => {
      code = exitCode
    },
    env: {},
    cwd: folder,
    colour: false,
  }
  await run(['replay', ...argv], terminal, { onTerminate: () => {}, onReload: () => {}, onExit: () => {} })
  return { code, out, err }
}

const put = preflight('https://example.com', 'PUT', 'content-type', 'x-amz-date')

describe('replay', () => {
  test('ends with 0 when nothing changes', async () => {
    const log = await logOf(
      line(put),
      line(preflight('https://evil.example')),
      line({ headers: ['Origin', 'https://example.com'] }),
      line({ ...put, target: '/reported/x' }),
      line({ ...put, target: '/nobody/x' }),
    )
    expect(await replayed(log, '--rules', await rulesOf(same))).toEqual({
      code: 0,
      out: '5 lines read: 5 requests re-evaluated, none would change\n',
      err: '',
    })
  })

  test('prints what changes in groups, the most frequent first, and ends with 1', async () => {
    const log = await logOf(
      line(preflight('https://example.com', 'DELETE')),
      line(put),
      line({ ...put, target: '/photos/another' }),
      line({ ...put, target: '/reported/x' }),
      line({ headers: ['Origin', 'https://example.com'] }),
      line({ ...preflight('https://b.example', 'PATCH'), target: '/videos/x' }),
      line({ ...preflight('https://b.example'), target: '/videos/x' }),
    )
    const rules = await rulesOf({
      'photos.yaml': yaml({ headers: 'content-type', methods: 'GET, PUT, DELETE' }).replace(
        'id: web',
        'id: site',
      ),
      'reported.yaml': yaml(),
      'videos.yaml': yaml({ origins: '"https://a.example"' }),
    })
    expect(await replayed(log, '--rules', rules)).toEqual({
      code: 1,
      err: '',
      out: `2 × photos: preflight for PUT from https://example.com, asking for content-type,x-amz-date
    allowed by rule web → denied: header
    Rule site allows this origin and PUT, but not the header x-amz-date.

1 × videos: preflight for GET from https://b.example
    denied: no_rules → denied: origin
    The only rule does not allow the origin https://b.example. The closest is rule web.

1 × videos: preflight for PATCH from https://b.example
    denied: no_rules → denied: method
    Access-Control-Request-Method must be one of GET, PUT, POST, DELETE and HEAD, in upper case, as browsers send them. No rule can allow another method.

1 × photos: GET from https://example.com
    allowed by rule web → allowed by rule site
    Rule site of bucket photos allows it.

1 × reported: preflight for PUT from https://example.com, asking for content-type,x-amz-date
    allowed by rule web (handled by the store) → allowed by rule web (enforced)
    Rule web of bucket reported allows it.

1 × photos: preflight for DELETE from https://example.com
    denied: method → allowed by rule site
    Rule site of bucket photos allows it.

7 lines read: 7 requests re-evaluated, 7 would change
       2 allowed before, now denied
       1 denied before, now allowed
       2 denied for another reason
       1 allowed by another rule, which may send other headers
       1 handled by the store before or now, but not both
`,
    })
  })

  test('prints the same as JSON', async () => {
    const log = await logOf(line(put), line({}))
    const rules = await rulesOf({ 'photos.yaml': yaml({ headers: 'content-type' }) })
    const { code, out, err } = await replayed(log, '--rules', rules, '--format', 'json')
    expect({ code, err }).toEqual({ code: 1, err: '' })
    const outcome = { bucket: 'photos', mode: 'enforce', rule: 'web' }
    expect(JSON.parse(out)).toEqual({
      lines: 2,
      skipped: { 'not-json': 0, other: 0, 'no-origin': 1, incomplete: 0, 'too-long': 0, cut: 0, refused: 0 },
      unchanged: 0,
      changed: { refused: 1, allowed: 0, reason: 0, rule: 0, mode: 0 },
      groups: [
        {
          change: 'refused',
          kind: 'preflight',
          origin: 'https://example.com',
          method: 'PUT',
          requestedHeaders: 'content-type,x-amz-date',
          before: { ...outcome, decision: 'allow', reason: 'matched' },
          after: { ...outcome, decision: 'deny', reason: 'header' },
          explanation: 'Rule web allows this origin and PUT, but not the header x-amz-date.',
          count: 1,
          overcount: 0,
        },
      ],
    })
  })

  test('says why it skips a line, each by the first reason', async () => {
    const good = line(put)
    const long = Array.from({ length: 100 }, (_, n) => `x-header-${n}`)
    const flood = 'x'.repeat(2000)
    const fields: Record<string, unknown> = JSON.parse(good)
    const changed = (more: Record<string, unknown>): string => JSON.stringify({ ...fields, ...more })
    const log = await logOf(
      good,
      '',
      'Listening on port 80',
      '[]',
      'null',
      `${good.slice(0, -10)}`,
      `{"a":"${'x'.repeat(20_000)}"}`,
      '{"level":"info","msg":"serving"}',
      '{"msg":["request"]}',
      line({}),
      line({ method: 'OPTIONS' }),
      changed({ decision: undefined }),
      changed({ reason: 'origin' }),
      changed({ reason: '__proto__' }),
      changed({ mode: 'maybe' }),
      changed({ 'url.path': 5 }),
      line(preflight('https://example.com', 'PUT', ...long)),
      line(preflight(`https://${flood}.example`)),
      line({ ...put, headers: [...(put.headers ?? []).slice(0, 2), 'Access-Control-Request-Method', flood] }),
      line({ ...put, target: `/${flood}` }),
      line({ ...put, target: '/photos/../x' }),
      line({ ...put, method: 'PURGE' }),
    )
    expect(await replayed(log, '--rules', await rulesOf(same))).toEqual({
      code: 0,
      err: '',
      out: `21 lines read: 1 request re-evaluated, none would change
       4 skipped, not JSON
       2 skipped, not about a request
       2 skipped, without Origin, so not a CORS request
       5 skipped, incomplete: no decision
       1 skipped, longer than any log line
       4 skipped, a value that the rules depend on was cut
       2 skipped, answered before any rule is checked
`,
    })
  })

  test('decides by the rest of a path that the log cut', async () => {
    const log = await logOf(line({ ...put, target: `/photos/${'%41/'.repeat(300)}${'%41'.repeat(500)}` }))
    expect(await replayed(log, '--rules', await rulesOf(same))).toMatchObject({
      code: 0,
      out: '1 line read: 1 request re-evaluated, none would change\n',
    })
  })

  test('reads a label that the log cut as its beginning', async () => {
    const id = 'r'.repeat(100)
    const long = snapshotOf({ photos: ruleFile({ rules: [{ ...web, id }] }) })
    const log = await logOf(line(put, long).replace(id, `${id.slice(0, 64)}…`))
    const called = (name: string): Promise<string> => rulesOf({ 'photos.yaml': yaml().replace('web', name) })
    expect(await replayed(log, '--rules', await called(id))).toMatchObject({ code: 0 })
    expect(await replayed(log, '--rules', await called(`x${id}`))).toMatchObject({ code: 1 })
  })

  test('reads a header that a log collector turned from a list into text', async () => {
    const log = await logOf(line(put).replaceAll(/\["([^"]*)"\]/g, '"$1"'))
    const rules = await rulesOf({ 'photos.yaml': yaml({ headers: '' }) })
    expect(await replayed(log, '--rules', rules)).toMatchObject({
      code: 1,
      out: expect.stringContaining('asking for content-type,x-amz-date'),
    })
  })

  test('finds buckets in Host by the suffixes it is given, and says so when it finds others', async () => {
    const hosted = { ...put, target: '/x', setup: { hostSuffixes: ['store.test'] } }
    const host = line(hosted)
      .replace('"store.test"', '"photos.store.test"')
      .replace('"kind"', '"bucket":"photos","kind"')
    // As logged by a sidecar with --host-suffix: bucket and decision are those of photos.
    const decided: Record<string, unknown> = JSON.parse(line(put))
    const log = await logOf(
      JSON.stringify({ ...decided, 'server.address': JSON.parse(host)['server.address'], 'url.path': '/x' }),
    )
    const rules = await rulesOf(same)
    expect(await replayed(log, '--rules', rules, '--host-suffix', '.STORE.test')).toMatchObject({
      code: 0,
      err: '',
    })
    const lost = await replayed(log, '--rules', rules)
    expect(lost).toMatchObject({ code: 1, err: expect.stringContaining('--host-suffix') })
    expect(lost.out).toContain('allowed by rule web → denied: no_rules, now in bucket x\n')
  })

  test('leaves unconfigured buckets to the store when serve does', async () => {
    const log = await logOf(line({ ...put, target: '/nobody/x', setup: { unconfigured: 'forward' } }))
    const rules = await rulesOf(same)
    expect(await replayed(log, '--rules', rules, '--unconfigured', 'forward')).toMatchObject({ code: 0 })
    expect(await replayed(log, '--rules', rules)).toMatchObject({ code: 1 })
  })

  test('shows hostile texts without letting them steer the terminal or begin a line', async () => {
    const origin = 'https://example.com'
    const hostile = 'x\u001b[2J\n9 × forged: line\u202e\u2028\ud800'
    const fields: Record<string, unknown> = JSON.parse(line(put))
    const log = await logOf(
      JSON.stringify({ ...fields, 'http.request.header.access-control-request-headers': [hostile] }),
      JSON.stringify({ ...fields, bucket: hostile, rule: hostile, 'http.request.header.origin': [origin] }),
      JSON.stringify({ ...fields, 'http.request.header.origin': [`${origin}${'y'.repeat(5000)}`] }),
    )
    const { code, out } = await replayed(log, '--rules', await rulesOf(same))
    expect(code).toBe(1)
    expect(out).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]/)
    expect(out).toContain('asking for x\\u001b[2J\\u000a9 × forged: line\\u202e\\u2028\\ud800\n')
    expect(out.split('\n').filter((one) => one.startsWith('9'))).toEqual([])
    expect(out.length).toBeLessThan(5000)
  })

  test.each([
    ['no log', ['--rules', '.'], /missing required argument 'LOG'/],
    [
      'a log that is not there',
      ['nowhere.ndjson', '--rules', '.'],
      /"nowhere.ndjson" cannot be read: it does not exist/,
    ],
    ['a directory for a log', ['.', '--rules', '.'], /"\." cannot be read: it is a directory/],
    ['rules that are not there', ['x', '--rules', 'nowhere'], /--rules: "nowhere": it does not exist/],
    ['a wrong suffix', ['x', '--host-suffix', '*.a'], /--host-suffix .*has a wildcard/],
    ['a wrong dialect', ['x', '--dialect', 'aws'], /Allowed choices are cos, oss, s3/],
    ['a wrong format', ['x', '--format', 'xml'], /Allowed choices are text, json/],
  ])('ends with 2 for %s', async (_, argv, message) => {
    const { code, out, err } = await replayed(...argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
  })

  test('ends with 2 for a rule file in error, and says where', async () => {
    const rules = await rulesOf({ ...same, 'bad.yaml': 'rules:\n  - allowedOrigins: [*]\n' })
    const { code, out, err } = await replayed(await logOf(line(put)), '--rules', rules)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^bad\.yaml:2:\d+: error /)
  })

  test('ends with 2 for a file that is no log, and notes a log that has no decisions', async () => {
    const rules = await rulesOf(same)
    expect(await replayed(await logOf('a', 'b'), '--rules', rules)).toMatchObject({
      code: 2,
      err: expect.stringContaining('is not a log of serve'),
    })
    expect(await replayed(await logOf('{"msg":"serving"}'), '--rules', rules)).toMatchObject({
      code: 0,
      err: 'note: no line contains a CORS decision\n',
    })
    expect(await replayed(await logOf(), '--rules', rules)).toEqual({
      code: 0,
      err: '',
      out: '0 lines read: 0 requests re-evaluated, none would change\n',
    })
  })

  test('reads from stdin what serve has logged', async () => {
    const serving = await serveInTest({ rules: { 'photos.yaml': yaml() } })
    const headers = { Origin: 'https://example.com', 'Access-Control-Request-Method': 'PUT' }
    await serving.send({ method: 'OPTIONS', path: '/photos/x', headers })
    await serving.send({ path: '/photos/x', headers: { Origin: 'https://example.com' } })
    await serving.send({ path: '/photos/x' })
    const log = (await serving.stop()).map((fields) => `${JSON.stringify(fields)}\n`).join('')

    const main = new URL('../../cmd/main.ts', import.meta.url).pathname
    const rules = await rulesOf({ 'photos.yaml': yaml({ methods: 'GET' }) })
    const child = spawn(process.execPath, [main, 'replay', '-', '--rules', rules, '--format', 'json'])
    child.stdin.end(log)
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ])
    expect({ code, err }).toEqual({ code: 1, err: '' })
    expect(JSON.parse(out)).toMatchObject({
      skipped: { 'not-json': 0, 'no-origin': 1 },
      unchanged: 1,
      groups: [{ change: 'refused', method: 'PUT', count: 1 }],
    })
  })

  test('waits for a pipe whose writer is slower than the reader', async () => {
    const log = await logOf(line(put), line(put))
    const rules = await rulesOf({ 'photos.yaml': yaml({ methods: 'GET' }) })
    const main = new URL('../../cmd/main.ts', import.meta.url).pathname
    // A real shell pipe: Node gives its children sockets, which never fail with EAGAIN. The pause is the point of
    // the test.
    const script =
      '(head -n 1 "$1"; sleep 3; tail -n +2 "$1") | "$0" "$2" replay - --rules "$3" --format json'
    const child = spawn('sh', ['-c', script, process.execPath, log, main, rules])
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ])
    expect({ code, err }).toEqual({ code: 1, err: '' })
    expect(JSON.parse(out)).toMatchObject({ groups: [{ change: 'refused', count: 2 }] })
  })

  test('uses no more memory for a longer log', async () => {
    const file = join(folder, 'long.ndjson')
    const handle = await open(file, 'w')
    const fields: Record<string, unknown> = JSON.parse(line(put))
    const lineOf = (n: number): string =>
      `${JSON.stringify({ ...fields, 'http.request.header.origin': [`https://o${n}.example`] })}\n`
    await handle.write(lineOf(0).repeat(2000))
    for (let part = 0; part < 30; part++)
      await handle.write(Array.from({ length: 1000 }, (_, n) => lineOf(1 + part * 1000 + n)).join(''))
    // One line of 64 MB, and a last line without a line break.
    for (let part = 0; part < 64; part++) await handle.write('x'.repeat(1_048_576))
    await handle.write(`\n${line(put)}`)
    await handle.close()

    const replay = createReplay({ snapshot: served, setup, groups: 100 })
    let held = 0
    const measured = async function* (): AsyncGenerator<Uint8Array> {
      let read = 0
      for await (const piece of createReadStream(file)) {
        yield piece
        // About every 8 MB. Only what is held counts: when the pieces are collected is for V8 to decide.
        if (++read % 128 !== 0) continue
        collectGarbage()
        held = Math.max(held, process.memoryUsage().arrayBuffers)
      }
    }
    for await (const one of boundedLines(measured(), 16_384)) replay.take(one)
    const result = replay.result()
    expect(result).toMatchObject({
      lines: 32_002,
      skipped: { 'too-long': 1 },
      unchanged: 1,
      changed: { refused: 32_000 },
    })
    expect(result.groups).toHaveLength(100)
    const [first] = result.groups
    expect(first).toMatchObject({ origin: 'https://o0.example', count: 2000, overcount: 0 })
    expect(held).toBeGreaterThan(0)
    // Half of the long line: a reader that keeps it holds 63 MB at the last measurement.
    expect(held).toBeLessThan(32 * 1_048_576)
  })
})

describe('a line of the log', () => {
  test('with any values is either read or reported as not understood', () => {
    const names = [
      'msg',
      'decision',
      'reason',
      'mode',
      'bucket',
      'url.path',
      'http.request.method',
      'server.address',
    ]
    const headers = ['origin', 'access-control-request-method', 'access-control-request-headers']
    const keys = [
      ...names,
      ...headers.map((name) => `http.request.header.${name}`),
      '__proto__',
      'constructor',
    ]
    const value = fc.oneof(
      fc.constantFrom(
        'request',
        'allow',
        'deny',
        'matched',
        'origin',
        'enforce',
        'OPTIONS',
        '/photos/x',
        '…',
      ),
      fc.array(fc.oneof(fc.string(), fc.constantFrom('https://example.com', 'PUT', 'x…'))),
      fc.jsonValue(),
    )
    const fields = fc.dictionary(fc.constantFrom(...keys), value)
    const replay = createReplay({ snapshot: served, setup })
    let lines = 0
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fields.map((one) => JSON.stringify({ msg: 'request', ...one })),
        ),
        (one) => {
          readRequestLine(one)
          replay.take(one)
          lines++
        },
      ),
      { numRuns: 3000 },
    )
    const { skipped, unchanged, changed, ...result } = replay.result()
    const counted = [...Object.values(skipped), unchanged, ...Object.values(changed)]
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(lines)
    expect(result.lines).toBe(lines)
  })

  test('is read back as it was written', () => {
    expect(readRequestLine(line(put))).toEqual({
      request: {
        method: 'OPTIONS',
        host: 'store.test',
        path: '/photos/cat.jpg',
        origin: 'https://example.com',
        requestedMethod: 'PUT',
        requestedHeaders: 'content-type,x-amz-date',
      },
      outcome: { bucket: 'photos', decision: 'allow', reason: 'matched', mode: 'enforce', rule: 'web' },
    })
    expect(readRequestLine(line(preflight('https://evil.example')))).toMatchObject({
      outcome: { decision: 'deny', reason: 'origin', rule: 'web' },
    })
  })
})

describe('lines', () => {
  async function collect(pieces: readonly Uint8Array[], limit: number): Promise<(string | undefined)[]> {
    const lines: (string | undefined)[] = []
    for await (const line of boundedLines(Readable.from(pieces), limit)) lines.push(line)
    return lines
  }

  test('are the same for every way to split the text into chunks', async () => {
    const texts = fc.array(fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('é€😀', '', '\r')), {
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat({ max: 9 }), { minLength: 1 }), async (lines, sizes) => {
        const bytes = Buffer.from(lines.join('\n').toWellFormed())
        const pieces: Buffer[] = []
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const size = 1 + (sizes[n % sizes.length] ?? 0)
          pieces.push(bytes.subarray(at, at + size))
          at += size
        }
        const whole = await collect([bytes], 10)
        expect(await collect(pieces, 10)).toEqual(whole)
        expect(whole).toEqual(
          bytes
            .toString()
            .split('\n')
            .map((one) => (Buffer.byteLength(one) > 10 ? undefined : one.replace(/^\ufeff/, '').trim()))
            .filter((one) => one !== ''),
        )
      }),
      { numRuns: 300 },
    )
  })
})
