import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { addDoctor } from '../../cmd/doctor.ts'
import { problemTexts } from '../../src/doctor/codes.ts'
import { runCommand } from '../cmd/rule-commands.ts'
import { type Serving, startServing } from '../serving.ts'
import { lacking } from './hops.ts'
import { type Bench, otherPage, page, publicPage, securePage, setUps } from './set-ups.ts'

const result = z.object({
  healthy: z.boolean(),
  problems: z.array(
    z.object({ code: z.string(), hop: z.string(), evidence: z.string(), remedy: z.string() }),
  ),
})

const rules = {
  'photos.yaml': `rules:
  - allowedOrigins: ["${page}", "${otherPage}", "${securePage}", "${publicPage}"]
    allowedMethods: [GET, HEAD, PUT, POST, DELETE]
    allowedHeaders: [content-type, "x-amz-*"]
    exposeHeaders: [ETag]
`,
  'open.yaml': 'rules:\n  - {allowedOrigins: ["*"], allowedMethods: [GET, HEAD]}\n',
}

let serving: Serving
let bench: Bench

beforeAll(async () => {
  serving = await startServing({
    rules,
    // Answers like a MinIO with one object.
    store: (request, response) => {
      const common = { Server: 'MinIO', 'x-amz-request-id': '17F0000000000000' }
      if (request.url?.endsWith('/cat.jpg') === true && request.method !== 'OPTIONS')
        return response.writeHead(200, { ...common, ETag: '"1"', 'Content-Type': 'image/jpeg' }).end('cat')
      const status = request.method === 'OPTIONS' ? 403 : 404
      const error = `<Error><Code>${status === 404 ? 'NoSuchKey' : 'AccessDenied'}</Code><Resource>${request.url}</Resource></Error>`
      return response.writeHead(status, { ...common, 'Content-Type': 'application/xml' }).end(error)
    },
  })
  bench = { sidecar: serving.dataPort, store: serving.storePort, rules: serving.directory }
})
afterAll(() => serving.close())

async function doctor(args: readonly string[]) {
  const { code, out, err } = await runCommand(addDoctor, ['doctor', '--format', 'json', ...args])
  return { code, err, ...(out === '' ? { healthy: undefined, problems: [] } : result.parse(JSON.parse(out))) }
}

test('every program that the set-ups need is installed', () => {
  if (process.env.CI_REQUIRE_HOPS === '1') expect(lacking).toEqual([])
})

describe.skipIf(lacking.length > 0)(
  'the problem of a broken set-up is reported with its hop, and the repaired set-up is healthy',
  () => {
    test.each(setUps)('$name: $code ($hop)', async ({ broken, repaired, code, hop }) => {
      const asked = await broken(bench)
      const seen = await doctor(['--url', asked.url, '--origin', asked.origin ?? page, ...(asked.args ?? [])])
      expect(seen).toMatchObject({ code: 1, err: '', healthy: false })
      expect(seen.problems.map((problem) => [problem.code, problem.hop])).toEqual([[code, hop]])
      const twin = await repaired(bench)
      const again = await doctor(['--url', twin.url, '--origin', twin.origin ?? page, ...(twin.args ?? [])])
      expect(again).toEqual({ code: 0, err: '', healthy: true, problems: [] })
    })
  },
)

test('without --write no upload or deletion reaches the store; with --write an upload does', async () => {
  const url = `http://localhost:${bench.sidecar}/photos/new.jpg`
  const writes = () =>
    serving.seen.filter(({ method, target }) => target === '/photos/new.jpg' && method !== 'GET')
  for (const method of ['PUT', 'POST', 'DELETE'])
    await doctor(['--url', url, '--origin', page, '--method', method])
  // Without a body the head alone would replace the object.
  await doctor(['--url', url, '--origin', page, '--method', 'PUT', '--size', '0'])
  expect(writes()).toEqual([])
  await doctor(['--url', url, '--origin', page, '--method', 'PUT', '--write', '--size', '3'])
  expect(writes()).toMatchObject([{ method: 'PUT', body: '\0\0\0' }])
})

describe('codes', () => {
  test.each(Object.keys(problemTexts))('%s is explained with a remedy', async (code) => {
    const { out, code: exit } = await runCommand(addDoctor, ['doctor', '--explain', code])
    expect(exit).toBe(0)
    expect(out).toMatch(new RegExp(`^${code}\n.{40,}\nRemedy: .{20,}\n$`))
  })

  test('an unknown code is refused, and the nearest one is suggested', async () => {
    const { code, err } = await runCommand(addDoctor, ['doctor', '--explain', 'vary-mising'])
    expect(code).toBe(2)
    expect(err).toContain('did you mean vary-missing?')
  })
})

describe('a wrong command line', () => {
  test.each([
    [[], "required option '--url <URL>' not specified"],
    [['--url', 'http://localhost/a'], "required option '--origin <ORIGIN>' not specified"],
    [['--url', 's3.example.com/a', '--origin', page], 'has no scheme: write https://s3.example.com/a'],
    [['--url', 'http://localhost:99999/', '--origin', page], 'port 99999 is out of range'],
    [
      ['--url', 'http://localhost/', '--origin', 'https://a.example/'],
      'write https://a.example, without a path',
    ],
    [['--url', 'http://localhost/', '--origin', 'a.example'], 'write https://a.example'],
    [['--url', 'http://localhost/', '--origin', page, '--method', 'OPTIONS'], '--method: "OPTIONS"'],
    [
      ['--url', 'http://localhost/', '--origin', page, '--header', 'a: b'],
      '--header: "a: b" is not a header name',
    ],
    [
      ['--url', 'http://localhost/', '--origin', page, '--ca', '/nowhere'],
      '--ca: "/nowhere" cannot be read: it does not exist',
    ],
    [['--url', 'http://localhost/', '--origin', page, '--rules', '/nowhere'], '--rules: "/nowhere"'],
  ])('%j ends with exit code 2', async (args, message) => {
    const { code, out, err } = await runCommand(addDoctor, ['doctor', ...args])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
  })
})
