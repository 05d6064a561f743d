import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect } from 'vitest'
import { startSidecar, type TestSidecar } from '../bucket-cors/sidecar.ts'
import { type RawAnswer, runStatements, type Statement, sendPrinted } from './statements.ts'

/*
 * COS, OPTIONS Object (436/8288), in English with part of an error body lost, and in Korean with all of it. Lines are
 * those of the English text. The bucket's rules are the example file that the project ships.
 */

const shipped = new URL('../../rules/examplebucket-1250000000.yaml', import.meta.url)
const host = 'examplebucket-1250000000.cos.ap-beijing.myqcloud.com'
const other = host.replace('0000.cos', '0001.cos')
let sidecar: TestSidecar

beforeAll(async () => {
  sidecar = await startSidecar({
    files: { 'examplebucket-1250000000.yaml': await readFile(shipped, 'utf8') },
    setup: { hostSuffixes: ['cos.ap-beijing.myqcloud.com'] },
    overwriteAuthored: true,
  })
})
afterAll(() => sidecar?.close())

interface Asked {
  readonly target?: string
  readonly to?: string
  readonly origin?: string | null
  readonly method?: string | null
  readonly headers?: string
  readonly more?: string
}

const ask = ({
  target = '/exampleobject',
  to = host,
  origin = 'https://example.com',
  method = 'PUT',
  headers,
  more,
}: Asked) =>
  sendPrinted(
    sidecar.port,
    [
      `OPTIONS ${target} HTTP/1.1`,
      `Host: ${to}`,
      'Date: Thu, 09 Jul 2020 14:49:22 GMT',
      ...(origin === null ? [] : [`Origin: ${origin}`]),
      ...(method === null ? [] : [`Access-Control-Request-Method: ${method}`]),
      ...(headers === undefined ? [] : [`Access-Control-Request-Headers: ${headers}`]),
      ...(more === undefined ? [] : [more]),
      'Connection: close',
    ].join('\n'),
  )

const answers = (asked: Asked, status: number) => async () => expect((await ask(asked)).status).toBe(status)
const answersWith = (asked: Asked, name: string, value: string | undefined) => async () =>
  expect((await ask(asked)).headers.get(name.toLowerCase())).toBe(value)

const sse = 'x-cos-server-side-encryption-customer'
const written = 'PUT,GET,POST,DELETE,HEAD'
const exposed = 'Content-Length,ETag,x-cos-meta-author'

/** Examples 1 to 3, header by header; `null`: not printed. */
const examples: readonly {
  readonly name: string
  readonly asked: Asked
  readonly printed: Readonly<Record<string, string | null>>
}[] = [
  {
    name: 'Example 1, PUT Object',
    asked: { headers: 'content-md5,content-type,x-cos-meta-author' },
    printed: {
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': 'content-md5,content-type,x-cos-meta-author',
      'Access-Control-Allow-Methods': written,
      'Access-Control-Allow-Origin': 'https://example.com',
    },
  },
  {
    name: 'Example 2, GET Object with Range',
    asked: { method: 'GET', headers: 'range' },
    printed: {
      'Access-Control-Allow-Credentials': null,
      'Access-Control-Allow-Headers': `range,${sse}-algorithm,${sse}-key,${sse}-key-md5`,
      'Access-Control-Allow-Methods': 'GET,HEAD',
      'Access-Control-Allow-Origin': '*',
    },
  },
  {
    name: 'Example 3, PUT Bucket lifecycle',
    asked: { target: '/?lifecycle', origin: 'https://bar.com', headers: 'content-md5,content-type' },
    printed: {
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': 'content-md5,content-type',
      'Access-Control-Allow-Methods': written,
      'Access-Control-Allow-Origin': 'https://bar.com',
    },
  },
]

/** What all three print. */
const always = {
  'Content-Length': '0',
  Connection: 'close',
  'Access-Control-Expose-Headers': exposed,
  'Access-Control-Max-Age': '600',
  Server: 'tencent-cos',
  Vary: null,
}
const httpDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/
/** hex_hex_hex_hex in Base64, without zero padding. */
const requestIdForm = /^[1-9a-f][0-9a-f]*(?:_[1-9a-f][0-9a-f]*){3}$/

const ofExamples = examples.flatMap(({ name, asked, printed }): Statement[] => [
  {
    line: name,
    says: 'HTTP/1.1 200 OK',
    holds: async () => expect((await ask(asked)).statusLine).toBe('HTTP/1.1 200 OK'),
  },
  ...Object.entries({ ...always, ...printed }).map(
    ([header, value]): Statement => ({
      line: name,
      says: value === null ? `no ${header}` : `${header}: ${value}`,
      holds: answersWith(asked, header, value ?? undefined),
    }),
  ),
  {
    line: name,
    says: 'Date',
    holds: async () => expect((await ask(asked)).headers.get('date')).toMatch(httpDate),
  },
  {
    line: name,
    says: 'x-cos-request-id of four hexadecimal numbers',
    holds: async () =>
      expect(atob((await ask(asked)).headers.get('x-cos-request-id') ?? '')).toMatch(requestIdForm),
  },
  {
    line: name,
    says: 'no header beside those',
    holds: async () => {
      const documented = [
        ...Object.entries({ ...always, ...printed })
          .filter(([, value]) => value !== null)
          .map(([header]) => header.toLowerCase()),
        'date',
        'x-cos-request-id',
      ]
      expect([...(await ask(asked)).headers.keys()].toSorted()).toEqual(documented.toSorted())
    },
  },
  {
    line: name,
    says: 'Content-Length and Connection first',
    differs: 'they come last, which says nothing on the wire (RFC 9110 section 5.3)',
    holds: async () => expect([...(await ask(asked)).headers.keys()].at(-1)).toBe('connection'),
  },
])

const refused: Asked = { to: other }
const message =
  'CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Requet-Headers are not whitelisted by the resource&apos;s CORS spec'
const refusedBody = ({ headers }: RawAnswer): string =>
  [
    "<?xml version='1.0' encoding='utf-8' ?>",
    '<Error>',
    '\t<Code>AccessForbidden</Code>',
    `\t<Message>${message}</Message>`,
    `\t<Resource>${other}/exampleobject</Resource>`,
    `\t<RequestId>${headers.get('x-cos-request-id')}</RequestId>`,
    `\t<TraceId>${headers.get('x-cos-trace-id')}</TraceId>`,
    '</Error>',
  ].join('\n')

runStatements('COS OPTIONS Object', [
  {
    line: '8',
    says: 'the browser sends the preflight by itself',
    notOurs: 'a statement about browsers; test/browser shows it with Chromium',
  },
  { line: '10', says: 'a match is answered with success', holds: answers({}, 200) },
  { line: '11', says: 'a bucket without configuration: 403', holds: answers({ to: other }, 403) },
  {
    line: '11',
    says: 'an origin that does not match: 403',
    holds: answers({ origin: 'https://evil.example' }, 403),
  },
  {
    line: '11',
    says: 'another scheme or port is another origin: 403',
    holds: async () => {
      await answers({ origin: 'http://example.com' }, 403)()
      await answers({ origin: 'https://example.com:8443' }, 403)()
    },
  },
  { line: '11', says: 'a method that does not match: 403', holds: answers({ method: 'PATCH' }, 403) },
  {
    line: '11',
    says: 'a header that does not match: 403',
    holds: answers({ origin: 'https://anyone.example', method: 'GET', headers: 'if-match' }, 403),
  },
  {
    line: '12',
    says: 'CORS is configured through PUT Bucket cors',
    differs: 'by default through rule files; with --bucket-cors-api write as documented, which runs here',
    holds: async () => {
      const own = await startSidecar({ dialect: 'cos' })
      try {
        const rule = '<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>'
        expect((await own.call('PUT', `<CORSConfiguration>${rule}</CORSConfiguration>`)).status).toBe(200)
        expect((await own.preflight('https://any.example', 'photos', 'GET')).status).toBe(200)
      } finally {
        await own.close()
      }
    },
  },
  { line: '13-14', says: 'API Explorer', notOurs: 'a web tool of the vendor' },
  {
    line: '20',
    says: 'Host names the bucket',
    differs: 'with --host-suffix, once a region; without it the first path segment does',
    holds: async () => {
      await answers({ target: '/examplebucket-1250000000/exampleobject', to: 'store.test' }, 200)()
      await answers({}, 200)()
    },
  },
  { line: '21', says: 'Date', holds: answers({}, 200) },
  { line: '25', says: 'OPTIONS / for a request to the bucket', holds: answers({ target: '/' }, 200) },
  {
    line: '25',
    says: 'OPTIONS /?lifecycle for a request to a sub-resource',
    holds: answers({ target: '/?lifecycle' }, 200),
  },
  {
    line: '26',
    says: 'no signature is needed, and one that is sent is not looked at',
    holds: answers({ more: 'Authorization: q-sign-algorithm=sha1&q-ak=x' }, 200),
  },
  {
    line: '31',
    says: 'request parameters are those of the browser',
    holds: answers({ target: '/exampleobject?x=1&uploads' }, 200),
  },
  {
    line: '35',
    says: 'request headers are those of the browser',
    holds: answers({ more: 'Accept: */*\nSec-Fetch-Mode: cors\nReferer: https://example.com/' }, 200),
  },
  { line: '38', says: 'Origin is required', holds: answers({ origin: null }, 403) },
  { line: '39', says: 'Access-Control-Request-Method is required', holds: answers({ method: null }, 403) },
  { line: '40', says: 'Access-Control-Request-Headers is not required', holds: answers({}, 200) },
  {
    line: '40',
    says: 'its names are separated by commas, in any case',
    holds: answersWith(
      { headers: 'Content-MD5, Content-Type ,X-Cos-Meta-Author' },
      'Access-Control-Allow-Headers',
      'content-md5,content-type,x-cos-meta-author',
    ),
  },
  { line: '44', says: 'there is no request body', holds: answers({ more: 'Content-Length: 0' }, 200) },
  {
    line: '49',
    says: 'the browser reads the headers and controls the request',
    notOurs: 'a statement about browsers; test/browser shows it with Chromium',
  },
  {
    line: '53',
    says: 'Allow-Origin may be *',
    holds: answersWith({ method: 'GET' }, 'Access-Control-Allow-Origin', '*'),
  },
  {
    line: '54',
    says: 'or the domain of the Origin header',
    holds: answersWith({}, 'Access-Control-Allow-Origin', 'https://example.com'),
  },
  {
    line: '56',
    says: 'Allow-Methods, separated by commas',
    holds: answersWith({}, 'Access-Control-Allow-Methods', written),
  },
  {
    line: '57',
    says: 'Expose-Headers, separated by commas',
    holds: answersWith({}, 'Access-Control-Expose-Headers', exposed),
  },
  {
    line: '58',
    says: 'Max-Age, an integer of seconds',
    holds: answersWith({}, 'Access-Control-Max-Age', '600'),
  },
  {
    line: '62',
    says: 'the response body is empty',
    holds: async () => expect((await ask({})).body).toBe(''),
  },
  {
    line: '66',
    says: 'errors are the common ones',
    holds: async () => {
      const answer = await sidecar.send({ method: 'GET', target: '/?cors', host })
      expect(answer.status).toBe(403)
      expect(answer.body).toMatch(
        /<Code>AccessDenied<\/Code>\n\t<Message>.*<\/Message>\n\t<ServerTime>.*<\/ServerTime>\n\t<Resource>/,
      )
    },
  },
  ...ofExamples,
  {
    line: 'Example 4',
    says: 'HTTP/1.1 403 Forbidden',
    holds: async () => expect((await ask(refused)).statusLine).toBe('HTTP/1.1 403 Forbidden'),
  },
  ...Object.entries({ 'Content-Type': 'application/xml', Connection: 'close', Server: 'tencent-cos' }).map(
    ([name, value]): Statement => ({
      line: 'Example 4',
      says: `${name}: ${value}`,
      holds: answersWith(refused, name, value),
    }),
  ),
  {
    line: 'Example 4',
    says: 'Content-Length: 687, for an id of 44 characters',
    holds: async () => {
      const answer = await ask(refused)
      const id = answer.headers.get('x-cos-request-id') ?? ''
      expect(Number(answer.headers.get('content-length')) + 44 - id.length).toBe(687)
      expect(answer.body.length).toBe(Number(answer.headers.get('content-length')))
    },
  },
  {
    line: 'Example 4',
    says: 'Date',
    holds: async () => expect((await ask(refused)).headers.get('date')).toMatch(httpDate),
  },
  {
    line: 'Example 4',
    says: 'x-cos-request-id',
    holds: async () =>
      expect(atob((await ask(refused)).headers.get('x-cos-request-id') ?? '')).toMatch(requestIdForm),
  },
  {
    line: 'Example 4',
    says: 'x-cos-trace-id, Base64 of 128 hexadecimal characters',
    holds: async () =>
      expect(atob((await ask(refused)).headers.get('x-cos-trace-id') ?? '')).toMatch(/^[0-9a-f]{128}$/),
  },
  {
    line: 'Example 4',
    says: 'the body, byte for byte, both slips and no line end included',
    holds: async () => {
      const answer = await ask(refused)
      expect(answer.body).toBe(refusedBody(answer))
    },
  },
  {
    line: 'Example 4',
    says: 'no match is answered as no configuration is',
    holds: async () => {
      const answer = await ask({ origin: 'https://evil.example' })
      expect(answer.body).toBe(refusedBody(answer).replace(other, host))
    },
  },
])
