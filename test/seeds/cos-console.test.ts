import { afterAll, beforeAll, expect } from 'vitest'
import { checkDraftReply } from '../../src/admin/check-draft.ts'
import type { CheckedFile } from '../../src/admin/shapes.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { startSidecar, type TestSidecar } from '../bucket-cors/sidecar.ts'
import { runStatements } from './statements.ts'

/* COS console, "Setting Cross-Origin Access": the fields of its form, by the form of our console and by `check`. */

let sidecar: TestSidecar
const rules = `rules:
  - {id: one, allowedOrigins: ["http://*.example.com"], allowedMethods: [GET], allowedHeaders: [x-cos-meta-md5]}
  - {id: two, allowedOrigins: ["https://www.example.com"], allowedMethods: [GET, PUT], allowedHeaders: [Content-type]}
`
beforeAll(async () => {
  sidecar = await startSidecar({
    files: { 'photos.yaml': rules },
    store: (request, response) => request.resume().on('end', () => response.writeHead(200).end()),
  })
})
afterAll(() => sidecar?.close())

const form = {
  allowedOrigins: ['https://www.example.com'],
  allowedMethods: ['PUT'],
  allowedHeaders: ['x-cos-meta-md5'],
  exposeHeaders: ['ETag'],
  maxAgeSeconds: '600',
}
/** What the form of the console says of a file with one rule of these fields. */
async function reported(fields: Partial<typeof form>): Promise<string[]> {
  const { maxAgeSeconds, ...lists } = { ...form, ...fields }
  const entries = Object.entries(lists).map(([field, values]) => `${field}: ${JSON.stringify(values)}`)
  const age = maxAgeSeconds === '' ? [] : [`maxAgeSeconds: ${maxAgeSeconds}`]
  const text = `rules:\n  - ${[...entries, ...age].join('\n    ')}\n`
  const draft = JSON.stringify({ file: 'photos.yaml', text })
  const { body } = await checkDraftReply(draft, { dialect: 'cos', directory: '/nonexistent' })
  const { findings }: CheckedFile = JSON.parse(String(body))
  return findings.map(({ severity, code }) => `${severity} ${code}`)
}
const says =
  (fields: Partial<typeof form>, ...expected: string[]) =>
  async () => {
    const findings = await reported(fields)
    if (expected.length === 0) expect(findings.filter((finding) => finding.startsWith('error'))).toEqual([])
    else expect(findings).toEqual(expect.arrayContaining(expected))
  }
const preflight =
  (origin: string, status: number, method = 'GET') =>
  async () =>
    expect((await sidecar.preflight(origin, 'photos', method)).status).toBe(status)

runStatements('COS console', [
  {
    line: '6',
    says: 'several rules answer OPTIONS requests',
    holds: async () => {
      await preflight('http://a.example.com', 200)()
      await preflight('https://www.example.com', 200, 'PUT')()
    },
  },
  {
    line: '6',
    says: 'another protocol, domain or port is another origin',
    holds: async () => {
      await preflight('https://a.example.com', 403)()
      await preflight('http://a.example.com:8080', 403)()
      await preflight('http://a.example.org', 403)()
    },
  },
  {
    line: '8',
    says: 'later requests are not verified',
    holds: async () => {
      const answer = await sidecar.send({
        method: 'PUT',
        target: '/photos/k',
        host: 'store.test',
        headers: { Origin: 'https://evil.example' },
      })
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined])
    },
  },
  {
    line: '11-13',
    says: 'Bucket List, Security Management, Add a Rule',
    notOurs: 'the way through the console of the vendor',
  },
  { line: '15', says: 'an origin is required', holds: says({ allowedOrigins: [] }, 'error empty-list') },
  {
    line: '19',
    says: 'several origins, one per line',
    holds: says({ allowedOrigins: ['https://a.example.com', 'https://b.example.com'] }),
  },
  {
    line: '19',
    says: 'not several in one line',
    holds: says(
      { allowedOrigins: ['https://a.example.com,https://b.example.com'] },
      'error origin-list-in-one-value',
    ),
  },
  { line: '20', says: '* is supported', holds: says({ allowedOrigins: ['*'], allowedMethods: ['GET'] }) },
  {
    line: '20',
    says: '* is not recommended',
    holds: async () => {
      await says({ allowedOrigins: ['*'] }, 'warning write-methods-for-any-origin')()
      await says({ allowedOrigins: ['*'], allowedMethods: ['GET'] }, 'info form-any-origin')()
    },
  },
  { line: '21', says: 'a single domain', holds: says({}) },
  {
    line: '22',
    says: 'second-level wildcards',
    holds: says({ allowedOrigins: ['http://*.example.org:8080'] }),
  },
  {
    line: '22',
    says: 'one * a line',
    holds: says({ allowedOrigins: ['https://*.a.*'] }, 'error origin-more-than-one-wildcard'),
  },
  {
    line: '23',
    says: 'the protocol is not left out',
    holds: says({ allowedOrigins: ['www.example.com'] }, 'error origin-without-scheme'),
  },
  {
    line: '23',
    says: 'a port that is not the default has to be given',
    holds: says({ allowedOrigins: ['https://a.example.com:443'] }, 'error origin-default-port'),
  },
  {
    line: '25',
    says: 'GET, PUT, POST, DELETE and HEAD',
    holds: says({ allowedMethods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'] }),
  },
  {
    line: '25',
    says: 'one method at least',
    holds: says({ allowedMethods: [] }, 'error empty-list'),
  },
  {
    line: '28',
    says: 'one header a line',
    holds: says({ allowedHeaders: ['Content-type', 'x-cos-meta-md5'] }),
  },
  { line: '29', says: '* is advised', holds: says({ allowedHeaders: ['*'] }) },
  { line: '30', says: 'upper and lower case letters', holds: says({ allowedHeaders: ['Content-MD5'] }) },
  {
    line: '30',
    says: 'no underscores',
    holds: async () => {
      await says({ allowedHeaders: ['x_cos_meta'] }, 'error header-underscore')()
      const text =
        'rules:\n  - {allowedOrigins: ["https://a.example.com"], allowedMethods: [GET, HEAD], allowedHeaders: [x_y]}\n'
      const codes = (dialect: string) =>
        readRules('a.yaml', Buffer.from(text), dialect).findings.map(
          ({ severity, code }) => `${severity} ${code}`,
        )
      expect(codes('cos')).toEqual(['warning header-underscore'])
      expect(codes('s3')).toEqual([])
    },
  },
  {
    line: '31',
    says: 'each requested header needs an entry',
    holds: async () => {
      const asking = (names: string) =>
        sidecar.send({
          method: 'OPTIONS',
          target: '/photos/k',
          host: 'store.test',
          headers: {
            Origin: 'http://a.example.com',
            'Access-Control-Request-Method': 'GET',
            'Access-Control-Request-Headers': names,
          },
        })
      expect((await asking('x-cos-meta-md5')).status).toBe(200)
      expect((await asking('x-cos-meta-md5,range')).status).toBe(403)
    },
  },
  { line: '33', says: 'ETag is recommended', holds: says({ exposeHeaders: [] }, 'warning etag-not-exposed') },
  {
    line: '33',
    says: 'exposed headers have no wildcards',
    holds: says({ exposeHeaders: ['x-cos-*'] }, 'error expose-wildcard'),
  },
  {
    line: '33',
    says: 'exposed headers in any case, one per line',
    holds: says({ exposeHeaders: ['etag', 'Content-Length'] }),
  },
  { line: '34', says: 'Max-age in seconds', holds: says({ maxAgeSeconds: '600' }) },
  {
    line: '34',
    says: 'a positive integer',
    holds: async () => {
      await says({ maxAgeSeconds: '-5' }, 'error maxage-out-of-range')()
      await says({ maxAgeSeconds: '1.5' }, 'error wrong-type')()
      await says({ maxAgeSeconds: '0' }, 'error maxage-zero')()
      await says({ maxAgeSeconds: '' }, 'error form-max-age')()
    },
  },
  {
    line: '36',
    says: 'Confirm stores the rule',
    notOurs: 'the console shows the file to commit and changes none: rules are kept in Git',
  },
])
