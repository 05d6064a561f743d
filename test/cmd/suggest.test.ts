import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addCheck } from '../../cmd/check.ts'
import { addReplay } from '../../cmd/replay.ts'
import { addSuggest } from '../../cmd/suggest.ts'
import { folderWith, runCommand } from './rule-commands.ts'

const line = (origin: string, method = 'PUT'): string =>
  `${JSON.stringify({
    msg: 'request',
    'url.path': '/photos/cat.jpg',
    'http.request.method': 'OPTIONS',
    'server.address': 'localhost',
    bucket: 'photos',
    kind: 'preflight',
    decision: 'deny',
    reason: 'origin',
    mode: 'enforce',
    'http.request.header.origin': [origin],
    'http.request.header.access-control-request-method': [method],
    'http.request.header.access-control-request-headers': ['content-type'],
  })}\n`

const log = line('https://a.example').repeat(3) + line('https://scanner.example')

test('files are written that check accepts and a replay allows; a rare origin is listed', async () => {
  const cwd = folderWith({ 'requests.ndjson': log })
  const { code, out, err } = await runCommand(addSuggest, ['suggest', 'requests.ndjson', '--out', 'new'], {
    cwd,
  })
  expect({ code, out }).toEqual({ code: 0, out: '' })
  expect(err).toBe(`4 lines read, 1 rule file suggested
Allowed by the suggested rules:
  photos  https://a.example  3 requests, 3 refused so far
Left out:
  photos  https://scanner.example  1 request, 1 refused so far: fewer than 3 requests
Anyone can send any Origin. Check that each origin is yours before you deploy the rules.
`)
  expect(await runCommand(addCheck, ['check', '--strict', 'new'], { cwd })).toMatchObject({
    code: 0,
    out: expect.not.stringContaining(': warning '),
  })
  const replayed = await runCommand(addReplay, ['replay', 'requests.ndjson', '--rules', 'new'], { cwd })
  expect(replayed).toMatchObject({ code: 1, out: expect.stringContaining('3 denied before, now allowed') })
  expect(replayed.out).not.toContain('scanner.example\n    denied: origin → allowed')
})

test('one log of stdin is printed as one file', async () => {
  const { code, out } = await runCommand(addSuggest, ['suggest', '-'], { stdin: log })
  expect(code).toBe(0)
  expect(out).toContain('allowedOrigins: ["https://a.example"]')
  expect(out).not.toContain('scanner')
})

test('existing rules keep their comments, and requests that they allow add no rule', async () => {
  const present = `# ours
rules:
  - id: a-example # the shop
    allowedOrigins: ["https://shop.example"]
    allowedMethods: [PUT]
    allowedHeaders: [content-type]
    exposeHeaders: [ETag]
`
  const cwd = folderWith({
    'requests.ndjson': log + line('https://shop.example').repeat(5),
    'rules/photos.yaml': present,
  })
  const argv = ['suggest', 'requests.ndjson', '--rules', 'rules', '--out', 'new']
  const { code, err } = await runCommand(addSuggest, argv, { cwd })
  expect(code).toBe(0)
  expect(err).not.toContain('shop.example')
  const text = readFileSync(join(cwd, 'new/photos.yaml'), 'utf8')
  expect(text.startsWith(present)).toBe(true)
  expect(text).toContain('id: a-example-suggested')
  expect(await runCommand(addCheck, ['check', '--strict', 'new'], { cwd })).toMatchObject({
    code: 0,
    out: expect.not.stringContaining(': warning '),
  })
  expect(readFileSync(join(cwd, 'rules/photos.yaml'), 'utf8')).toBe(present)
})

test('requests that _default allows add no rule, and a new file keeps the rules of _default', async () => {
  const anyBucket = `rules:
  - allowedOrigins: ["https://a.example"]
    allowedMethods: [PUT]
    allowedHeaders: [content-type]
`
  const cwd = folderWith({ 'requests.ndjson': log, 'rules/_default.yaml': anyBucket })
  const argv = ['suggest', 'requests.ndjson', '--rules', 'rules', '--out', 'new', '--min-requests', '1']
  expect((await runCommand(addSuggest, argv, { cwd })).code).toBe(0)
  const text = readFileSync(join(cwd, 'new/photos.yaml'), 'utf8')
  expect(text.startsWith(anyBucket)).toBe(true)
  expect(text).toContain('https://scanner.example')
  expect(text.split('https://a.example')).toHaveLength(2)
})

test.each(['photos.json', 'photos.xml'])('%s is not changed', async (name) => {
  const texts = {
    'photos.json':
      '{"CORSRules": [{"AllowedOrigins": ["https://b.example"], "AllowedMethods": ["GET", "HEAD"]}]}',
    'photos.xml':
      '<CORSConfiguration><CORSRule><AllowedOrigin>https://b.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod></CORSRule></CORSConfiguration>',
  } as const
  const cwd = folderWith({
    'requests.ndjson': log,
    [`rules/${name}`]: texts[name === 'photos.xml' ? name : 'photos.json'],
  })
  const argv = ['suggest', 'requests.ndjson', '--rules', 'rules', '--out', 'new']
  expect((await runCommand(addSuggest, argv, { cwd })).code).toBe(0)
  expect(readdirSync(join(cwd, 'new'))).toEqual([name])
  expect(await runCommand(addCheck, ['check', '--strict', 'new'], { cwd })).toMatchObject({
    code: 0,
    out: expect.not.stringContaining(': warning '),
  })
  expect(readFileSync(join(cwd, 'new', name), 'utf8')).toContain('https://b.example')
})

test.each([
  [
    'a file that is there',
    ['suggest', 'requests.ndjson', '--out', 'rules'],
    'rules" already contains one of the files to write',
  ],
  ['no such log', ['suggest', 'nowhere'], '"nowhere" cannot be read: it does not exist'],
  ['what is no log', ['suggest', 'notes.txt'], 'no line of the log is a JSON object'],
  [
    'no number',
    ['suggest', 'requests.ndjson', '--min-requests', 'few'],
    'Write a whole number, 1 or greater.',
  ],
])('%s ends with 2', async (_, argv, message) => {
  const cwd = folderWith({
    'requests.ndjson': log,
    'notes.txt': 'hello\n',
    'rules/photos.yaml': 'rules: []\n',
  })
  const { code, out, err } = await runCommand(addSuggest, argv, { cwd })
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(message)
  expect(readFileSync(join(cwd, 'rules/photos.yaml'), 'utf8')).toBe('rules: []\n')
})

test('a log with rare origins only suggests nothing and ends with 1', async () => {
  const cwd = folderWith({ 'requests.ndjson': line('https://a.example') })
  expect(await runCommand(addSuggest, ['suggest', 'requests.ndjson', '--out', 'new'], { cwd })).toMatchObject(
    { code: 1 },
  )
  expect(existsSync(join(cwd, 'new/photos.yaml'))).toBe(false)
})
