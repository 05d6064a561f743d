import { expect, test, vi } from 'vitest'
import type * as Dialects from '../../src/dialect/dialects.ts'

// An invented vendor: one object and its place in the list.
vi.mock('../../src/dialect/dialects.ts', async (original) => {
  const { dialects } = await original<typeof Dialects>()
  const { cos } = await import('../../src/dialect/cos.ts')
  return {
    dialects: [
      ...dialects,
      {
        ...cos,
        name: 'parrot',
        limits: { rules: 1, bytes: 65_536 },
        style: { separator: ';', allowHeaders: 'requested', credentials: 'never', maxAgeUnset: '7' },
        matching: { methods: 'sendable', actualMethod: 'requested', plainOptions: 'mistake' },
        signature: (requestId: string) => ['X-Parrot', requestId],
        refusal: () => ({ status: 410, code: 'Gone', message: 'Bereft of life.' }),
        error: ({ status, message }: { status: number; message: string }) => ({
          status,
          headers: [],
          body: message,
        }),
        bucketCors: {
          ...cos.bucketCors,
          layout: { declaration: '', attributes: ' of="parrot"', indent: '', responseVary: 'never' },
          malformedXml: 'It is no more.',
          noSuchBucket: 'No such perch.',
        },
      },
    ],
  }
})

const { configurationError, noSuchBucket } = await import('../../src/bucket-cors/wording.ts')
const { dialectNamed, dialectNames, vendorNames } = await import('../../src/dialect/named.ts')
const { plan } = await import('../../src/plan/plan.ts')
const { convert } = await import('../../src/rule-file/convert.ts')
const { ruleFileSchema } = await import('../../src/rule-file/editor-schema.ts')
const { readRules } = await import('../../src/rule-file/read.ts')
const { settingTable } = await import('../../src/settings/table.ts')
const { facts, identity, rule, ruleFile, setup, snapshotOf } = await import('../core.ts')

const origin = 'https://example.com'
const squawking = ruleFile({ dialect: 'parrot', rules: [rule({ allowedMethods: ['GET', 'SQUAWK'] })] })
const answerTo = (method: string, lines: readonly string[]) =>
  plan(
    snapshotOf({ photos: squawking }),
    setup,
    facts(method, '/photos/k', ['Host', 'store.test', 'Origin', origin, ...lines]),
    identity,
  )

test('a fifth dialect can be chosen in settings and in a rule file', () => {
  expect(dialectNames).toEqual(['cos', 'oss', 's3', 'http', 'parrot'])
  expect(vendorNames).toEqual(['cos', 'oss', 's3', 'parrot'])
  expect(settingTable.dialect.argument).toBe('<cos|oss|s3|http|parrot>')
  expect(JSON.stringify(ruleFileSchema())).toContain('"parrot"')
  const text = 'dialect: parrot\nrules: [{allowedOrigins: ["https://a.com"], allowedMethods: [SQUAWK]}]\n'
  expect(readRules('a.yaml', Buffer.from(text), 'cos').content?.dialect).toBe('parrot')
})

test('its object says how preflights are answered', () => {
  expect(answerTo('OPTIONS', ['Access-Control-Request-Method', 'SQUAWK'])).toMatchObject({
    response: {
      status: 200,
      headers: [
        ...['Access-Control-Allow-Methods', 'GET;SQUAWK', 'Access-Control-Allow-Origin', origin],
        ...['Access-Control-Max-Age', '7', 'Vary', 'Origin', 'X-Parrot', expect.any(String)],
      ],
    },
  })
  expect(answerTo('OPTIONS', ['Access-Control-Request-Method', 'PUT'])).toMatchObject({
    response: { status: 410, body: 'Bereft of life.' },
  })
})

test('its object says how requests are matched', () => {
  expect(answerTo('GET', []).judgement.decision?.verdict).toBe('allow')
  expect(answerTo('GET', ['Access-Control-Request-Method', 'PUT']).judgement.decision?.verdict).toBe('deny')
})

test('its object has its limits, its XML and the words of its API', () => {
  const two = `rules:\n${'  - {allowedOrigins: ["https://a.com"], allowedMethods: [GET]}\n'.repeat(2)}`
  expect(readRules('a.yaml', Buffer.from(two), 'parrot').findings).toContainEqual(
    expect.objectContaining({ code: 'too-many-rules' }),
  )
  expect(convert(squawking, 'xml', 'parrot').text).toMatch(/^<CORSConfiguration of="parrot">/)
  const words = dialectNamed('parrot').bucketCors
  if (words === undefined) throw new Error('the object has words')
  const finding = { file: 'f', line: 1, column: 1, severity: 'error', code: 'no-rules', message: '' } as const
  expect(configurationError(finding, words).message).toBe('It is no more.')
  expect(noSuchBucket('photos', words).message).toBe('No such perch.')
})
