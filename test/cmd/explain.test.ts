import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../cmd/program.ts'
import type { Terminal } from '../../cmd/terminal.ts'
import { pieces } from './rule-commands.ts'

const web = `rules:
  - id: web
    allowedOrigins: ["https://example.com"]
    allowedMethods: [GET, PUT]
    allowedHeaders: [content-type]
    exposeHeaders: [ETag]
    maxAgeSeconds: 600
hosts: [img.example.org]
`

let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'explain-'))
  const file = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text)
  await file('photos.yaml', web)
  await file('reported.yaml', web.replace('hosts: [img.example.org]', 'mode: report'))
  await file(
    'ranges.yaml',
    'rules:\n  - {id: web, preset: range-read, allowedOrigins: ["https://example.com"]}\n',
  )
  await file('broken.yaml', 'rules:\n  - allowedOrigins: "https://example.com/path"\n')
  await file(
    'hostile.json',
    JSON.stringify({
      rules: [
        { ID: 'a\u001b[2J\u202e\u009b', AllowedOrigins: ['https://example.com'], AllowedMethods: ['PUT'] },
      ],
    }),
  )
})

afterAll(async () => {
  await rm(directory, { recursive: true })
})

async function explained(
  ...argv: readonly string[]
): Promise<{ code: number | null; out: string; err: string }> {
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
    cwd: directory,
    colour: false,
  }
  await run(['explain', '--rules', '.', ...argv], terminal, {
    onTerminate: () => {},
    onReload: () => {},
    onExit: () => {},
  })
  return { code, out, err }
}

const put = ['--bucket', 'photos', '--origin', 'https://example.com', '--method', 'PUT']

describe('explain', () => {
  test('shows the complete response to an allowed preflight, and exits with 0', async () => {
    expect(await explained(...put, '--header', 'Content-Type', '--response')).toEqual({
      code: 0,
      err: '',
      out: `allowed: matched

Rule web of bucket photos allows it.

The preflight with curl:

  curl -i -X OPTIONS -H 'Origin: https://example.com' -H 'Access-Control-Request-Method: PUT' -H 'Access-Control-Request-Headers: content-type' http://localhost:8080/photos/exampleobject

The response to the preflight:

  HTTP/1.1 200 OK
  Access-Control-Allow-Credentials: true
  Access-Control-Allow-Headers: content-type
  Access-Control-Allow-Methods: GET,PUT
  Access-Control-Allow-Origin: https://example.com
  Access-Control-Expose-Headers: ETag
  Access-Control-Max-Age: 600
  Vary: Origin
  Server: tencent-cos
  x-cos-request-id: MF8wXzBfMTAwMDAwMA==
  Content-Length: 0
`,
    })
  })

  test('shows what a refused preflight lacks and the change that allows it, and exits with 1', async () => {
    const { code, out, err } = await explained(
      ...put,
      '--header',
      'x-amz-date, content-type',
      '--dialect',
      's3',
      '--response',
    )
    expect({ code, err }).toEqual({ code: 1, err: '' })
    const parts = [
      'denied: header\n\nRule web allows this origin and PUT, but not the header x-amz-date.\n\n',
      'This change to photos.yaml, line 5, would allow the request:\n\n--- a/photos.yaml\n+++ b/photos.yaml\n@@ ',
      '\n-    allowedHeaders: [content-type]\n',
      '\n+    allowedHeaders: [content-type, x-amz-date, amz-sdk-invocation-id, amz-sdk-request]\n',
      "\nThe preflight with curl:\n\n  curl -i -X OPTIONS -H 'Origin: https://example.com'",
      'content-type,x-amz-date',
      '\nThe response to the preflight:\n\n  HTTP/1.1 403 Forbidden\n',
      '\n  Server: AmazonS3\n',
      '\n\n  <?xml ',
    ]
    const places = parts.map((part) => out.indexOf(part))
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(out).not.toContain('Access-Control-Allow')
  })

  test('writes out what a rule has from its preset', async () => {
    const { out } = await explained(
      ...['--bucket', 'ranges', '--origin', 'https://example.com', '--method', 'GET'],
    )
    expect(out).toContain('\n\nRule web takes from preset range-read: allowedMethods: GET, HEAD; ')
    expect(out).toContain(
      'exposeHeaders: Accept-Ranges, Content-Range, Content-Encoding, ETag; maxAgeSeconds: 3600.',
    )
  })

  test('shows the headers that it changes in the response to an actual request', async () => {
    const { code, out } = await explained(...put, '--actual', '--response')
    expect(code).toBe(0)
    expect(out).toContain(`
The request with curl (this changes data in the store):

  curl -i -X PUT -H 'Origin: https://example.com' http://localhost:8080/photos/exampleobject

The response to the request: the store's own, without its Access-Control-* headers, and with

  Vary: Origin
  Access-Control-Allow-Credentials: true
  Access-Control-Allow-Methods: GET,PUT
  Access-Control-Allow-Origin: https://example.com
  Access-Control-Expose-Headers: ETag
  Access-Control-Max-Age: 600
`)
  })

  test('says that a denied actual request is served', async () => {
    const argv = ['--bucket', 'photos', '--origin', 'https://evil.example', '--method', 'GET', '--actual']
    const { code, out } = await explained(...argv)
    expect(code).toBe(1)
    expect(out).toContain('denied: origin\n')
    expect(out).toContain('The request itself is served, but without CORS headers')
    expect(out).not.toContain('Access-Control-Allow-Origin')
  })

  test.each([
    ['reported', 0, 'The bucket is in report mode', "the store's own, unchanged"],
    ['nobody', 1, 'Bucket nobody has no CORS rules', 'HTTP/1.1 403 Forbidden'],
    [
      'broken',
      1,
      'broken.yaml has an error, so no rules are served (line 2, column',
      'HTTP/1.1 403 Forbidden',
    ],
  ])('of bucket %s ends with %d and says why', async (bucket, expected, why, response) => {
    const { code, out } = await explained(
      '--bucket',
      bucket,
      '--origin',
      'https://example.com',
      '--method',
      'PUT',
      '--response',
    )
    expect(code).toBe(expected)
    expect(out).toContain(why)
    expect(out).toContain(response)
  })

  test('writes JSON with the same content', async () => {
    const { code, out } = await explained(...put, '--header', 'x-amz-date', '--format', 'json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      bucket: 'photos',
      file: 'photos.yaml',
      dialect: 'cos',
      mode: 'enforce',
      request: { method: 'OPTIONS', target: '/photos/exampleobject' },
      decision: 'deny',
      reason: 'header',
      rule: 'web',
      lacks: { field: 'allowedHeaders', value: 'x-amz-date' },
      proposal: {
        file: 'photos.yaml',
        text: web.replace(
          '[content-type]',
          '[content-type, x-amz-date, amz-sdk-invocation-id, amz-sdk-request]',
        ),
        diff: expect.stringContaining('--- a/photos.yaml'),
      },
      response: { kind: 'answer', status: 403 },
      curl: expect.stringMatching(/^curl -i -X OPTIONS /),
    })
  })

  test.each([
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080/photos/exampleobject'],
    ['https://s3.example.com/photos/a/b?x=1', "'https://s3.example.com/photos/a/b?x=1'"],
    ['http://photos.s3.example.com', 'http://photos.s3.example.com/exampleobject'],
    ['http://photos.s3.example.com:81/k', 'http://photos.s3.example.com:81/k'],
    ['http://img.example.org', 'http://img.example.org/exampleobject'],
    ['http://[::1]:81/photos/', "'http://[::1]:81/photos/'"],
  ])('finds the bucket by the URL %s', async (url, shown) => {
    const { code, out } = await explained(...put, '--url', url)
    expect(code).toBe(0)
    expect(out.endsWith(` ${shown}\n`)).toBe(true)
  })

  test('control characters of a rule file are escaped', async () => {
    const { code, out } = await explained(
      '--bucket',
      'hostile',
      '--origin',
      'https://example.com',
      '--method',
      'PUT',
    )
    expect({ code, out }).not.toMatchObject({ code: 2 })
    expect(out).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
  })
})

describe('a question that cannot be put', () => {
  const elsewhere =
    'does not lead to bucket photos: write http://HOST/photos/OBJECT or http://photos.HOST/OBJECT'

  test.each<[argv: readonly string[], issues: readonly string[]]>([
    [
      [
        '--bucket',
        '../etc',
        '--origin',
        'https://exämple.com',
        '--method',
        'P T',
        '--header',
        'a: b',
        '--url',
        'foo',
      ],
      [
        '--bucket: "../etc" is not a valid bucket name: write 1 to 63 of the characters A-Z a-z 0-9 . _ -, starting with a letter or digit',
        '--origin: "https://ex\\u00e4mple.com" is not an origin that a browser sends: write scheme://host[:port] in ASCII (an international name as xn--…), or null',
        '--method: "P T" is not a method: write one such as GET or PUT',
        '--header: "a: b" is not a header name: write only the name, without a value',
        '--url: "foo" is not a usable URL: write http://HOST:PORT or http://HOST:PORT/PATH',
      ],
    ],
    [
      [...put, '--actual', '--header', 'content-type'],
      [
        '--header cannot be used with --actual, because only a preflight asks for headers: remove one of them',
      ],
    ],
    [[...put, '--url', 'http://a.example/other/k'], [`--url: "http://a.example/other/k" ${elsewhere}`]],
    [
      [...put, '--url', 'http://a.example/photos/../k'],
      [`--url: "http://a.example/photos/../k" ${elsewhere}`],
    ],
    [
      [...put, '--url', 'http://u:p@a.example'],
      ['--url: "http://u:p@a.example" is not a usable URL: write http://HOST:PORT or http://HOST:PORT/PATH'],
    ],
    [[...put, '--rules', 'nowhere'], ['--rules: "nowhere": it does not exist']],
  ])('%j', async (argv, issues) => {
    expect(await explained(...argv)).toEqual({
      code: 2,
      out: '',
      err: issues.map((issue) => `error: ${issue}\n`).join(''),
    })
  })
})
