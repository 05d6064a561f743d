import { afterAll, beforeAll, expect } from 'vitest'
import { startSidecar, type TestSidecar } from '../bucket-cors/sidecar.ts'
import { type RawAnswer, runStatements, type Statement, sendPrinted } from './statements.ts'

/* OSS, OptionObject (sample of 2012). Where a newer page of OSS says something else, that page is followed. */

const host = 'oss-example.oss-cn-hangzhou.aliyuncs.com'
let sidecar: TestSidecar

beforeAll(async () => {
  const rules =
    'rules:\n  - {allowedOrigins: ["http://www.example.com"], allowedMethods: [PUT], allowedHeaders: [x-oss-test], exposeHeaders: [x-oss-test]}\nvary: dialect\n'
  sidecar = await startSidecar({
    dialect: 'oss',
    files: { 'oss-example.yaml': rules },
    setup: { hostSuffixes: ['oss-cn-hangzhou.aliyuncs.com'] },
  })
})
afterAll(() => sidecar?.close())

/** The sample request, including its whitespace. */
const sample = [
  'OPTIONS /testobject HTTP/1.1',
  `Host: ${host}  `,
  'Date: Fri, 24 Feb 2012 05:45:34 GMT  ',
  'Origin:http://www.example.com',
  'Access-Control-Request-Method:PUT',
  'Access-Control-Request-Headers:x-oss-test',
]
const ask = (replace: (line: string) => string | undefined = (line) => line): Promise<RawAnswer> =>
  sendPrinted(sidecar.port, sample.flatMap((line) => replace(line) ?? []).join('\n'))
const without = (name: string) => (line: string) => (line.startsWith(name) ? undefined : line)
const instead = (name: string, value: string) => (line: string) =>
  line.startsWith(name) ? `${name}: ${value}` : line
const sent = (name: string, value: string | undefined) => async () =>
  expect((await ask()).headers.get(name.toLowerCase())).toBe(value)
const refusedWith =
  (replace: (line: string) => string | undefined, status: number, code: string, ec: string) => async () => {
    const { status: got, body, headers } = await ask(replace)
    expect([got, headers.get('x-oss-ec'), headers.has('access-control-allow-origin')]).toEqual([
      status,
      ec,
      false,
    ])
    expect(body).toContain(`<Code>${code}</Code>`)
    expect(body).toContain(
      `<EC>${ec}</EC>\n  <RecommendDoc>https://api.aliyun.com/troubleshoot?q=${ec}</RecommendDoc>`,
    )
  }

const samplePrinted: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': 'http://www.example.com',
  'Access-Control-Allow-Methods': 'PUT',
  'Access-Control-Expose-Headers': 'x-oss-test',
  Connection: 'close',
  'Content-Length': '0',
  Server: 'AliyunOSS',
}

runStatements('OSS OptionObject', [
  {
    line: '1',
    says: 'origin, method and headers decide',
    holds: async () => expect((await ask()).status).toBe(200),
  },
  { line: '5', says: 'OPTIONS /ObjectName', holds: async () => expect((await ask()).status).toBe(200) },
  {
    line: '6',
    says: 'Host names the bucket',
    differs: 'with --host-suffix; else the first path segment does',
    holds: async () => {
      expect((await ask(instead('Host', 'unknown.oss-cn-hangzhou.aliyuncs.com'))).status).toBe(403)
    },
  },
  {
    line: '7-9',
    says: 'headers without a blank behind the colon',
    holds: async () => expect((await ask()).status).toBe(200),
  },
  {
    line: '14-18',
    says: 'Origin; without it 400 (HTTP 400 errors, Dec 2025)',
    holds: refusedWith(without('Origin'), 400, 'BadRequest', '0034-00000101'),
  },
  {
    line: '20-24',
    says: 'Access-Control-Request-Method; without it 400 (the same page)',
    holds: refusedWith(without('Access-Control-Request-Method'), 400, 'BadRequest', '0034-00000102'),
  },
  {
    line: '26-30',
    says: 'Access-Control-Request-Headers; none is needed',
    holds: async () => expect((await ask(without('Access-Control-Request-Headers'))).status).toBe(200),
  },
  {
    line: '35-37',
    says: 'Allow-Origin is the origin; not sent when denied',
    holds: refusedWith(instead('Origin', 'http://evil.example'), 403, 'AccessForbidden', '0003-00000602'),
  },
  {
    line: '39-41',
    says: 'Allow-Methods is the method of the request',
    differs: 'all methods of the rule, as the raw headers that ossutil prints have them',
    holds: sent('Access-Control-Allow-Methods', 'PUT'),
  },
  {
    line: '41',
    says: 'a method that is not allowed: refused',
    holds: refusedWith(
      instead('Access-Control-Request-Method', 'GET'),
      403,
      'AccessForbidden',
      '0003-00000602',
    ),
  },
  {
    line: '43-45',
    says: 'Allow-Headers are those of the request',
    holds: sent('Access-Control-Allow-Headers', 'x-oss-test'),
  },
  {
    line: '45',
    says: 'a header that is not allowed: refused',
    holds: refusedWith(
      instead('Access-Control-Request-Headers', 'x-oss-test,x-not'),
      403,
      'AccessForbidden',
      '0003-00000602',
    ),
  },
  { line: '47-49', says: 'Expose-Headers', holds: sent('Access-Control-Expose-Headers', 'x-oss-test') },
  {
    line: '51-53',
    says: 'Max-Age in seconds; the sample has none',
    differs: '0 when unset, as the raw headers that ossutil prints have it',
    holds: sent('Access-Control-Max-Age', '0'),
  },
  ...Object.entries(samplePrinted).map(
    ([name, value]): Statement => ({
      line: '68-76',
      says: `${name}: ${name === 'Connection' ? 'keep-alive' : value}`,
      ...(name === 'Connection'
        ? { differs: 'close, since the request of this test asks for it; kept alive otherwise' }
        : {}),
      holds: sent(name, value),
    }),
  ),
  {
    line: '68-76',
    says: 'x-oss-request-id of 24 upper-case hexadecimal characters',
    holds: async () => expect((await ask()).headers.get('x-oss-request-id')).toMatch(/^[0-9A-F]{24}$/),
  },
  {
    line: '68-76',
    says: 'Date',
    holds: async () => expect((await ask()).headers.get('date')).toMatch(/ GMT$/),
  },
  {
    line: '68-76',
    says: 'nothing else',
    differs:
      'Allow-Headers, which the table above asks for, Max-Age, and x-oss-server-time, which live answers carry',
    holds: async () => {
      const known = [...Object.keys(samplePrinted), 'x-oss-request-id', 'date'].map((name) =>
        name.toLowerCase(),
      )
      expect([...(await ask()).headers.keys()].filter((name) => !known.includes(name)).toSorted()).toEqual([
        'access-control-allow-headers',
        'access-control-max-age',
        'x-oss-server-time',
      ])
    },
  },
  {
    line: '81',
    says: 'the error Forbidden',
    differs: 'Code AccessForbidden, as the pages "403" and "cors-options" print it',
    holds: refusedWith(instead('Origin', 'http://evil.example'), 403, 'AccessForbidden', '0003-00000602'),
  },
  {
    line: '81',
    says: 'CORS that is not enabled is refused',
    holds: refusedWith(
      instead('Host', 'unknown.oss-cn-hangzhou.aliyuncs.com'),
      403,
      'AccessForbidden',
      '0003-00000601',
    ),
  },
])
