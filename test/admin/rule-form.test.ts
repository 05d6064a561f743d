import { expect, test } from 'vitest'
import { checkForm } from '../../src/admin/rule-form.ts'
import type { CheckedForm, RuleForm } from '../../src/admin/shapes.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { startAdmin } from './running.ts'

const form = (parts: Partial<RuleForm> = {}): RuleForm => ({
  bucket: 'photos',
  id: 'web',
  allowedOrigins: ['https://example.com', 'https://*.example.org'],
  allowedMethods: ['GET', 'PUT'],
  allowedHeaders: ['content-type'],
  exposeHeaders: ['ETag'],
  maxAgeSeconds: '600',
  ...parts,
})

test('the form makes a file that is read as it was typed', () => {
  const { file, yaml } = checkForm(form(), 'cos')
  expect(file).toBe('photos.yaml')
  expect(yaml).toBe(
    'rules:\n  - id: web\n    allowedOrigins:\n      - "https://example.com"\n      - "https://*.example.org"\n    allowedMethods: [GET, PUT]\n    allowedHeaders:\n      - content-type\n    exposeHeaders:\n      - ETag\n    maxAgeSeconds: 600\n',
  )
  expect(readRules(file, Buffer.from(yaml), 'cos').content?.rules).toEqual([
    {
      id: 'web',
      allowedOrigins: ['https://example.com', 'https://*.example.org'],
      allowedMethods: ['GET', 'PUT'],
      allowedHeaders: ['content-type'],
      exposeHeaders: ['ETag'],
      maxAgeSeconds: 600,
    },
  ])
})

test.each<[string, Partial<RuleForm>, keyof RuleForm | undefined, number | undefined]>([
  [
    'an origin with a path',
    { allowedOrigins: ['https://a.example', 'https://b.example/x'] },
    'allowedOrigins',
    2,
  ],
  ['no origin', { allowedOrigins: [] }, 'allowedOrigins', undefined],
  ['no method', { allowedMethods: [] }, 'allowedMethods', undefined],
  ['a header that is none', { allowedHeaders: ['content-type', 'a b'] }, 'allowedHeaders', 2],
  ['a wildcard to expose', { exposeHeaders: ['x-*'] }, 'exposeHeaders', 1],
  ['a word for seconds', { maxAgeSeconds: 'ten' }, 'maxAgeSeconds', undefined],
  ['seconds below zero', { maxAgeSeconds: '-1' }, 'maxAgeSeconds', undefined],
  ['no bucket', { bucket: '' }, 'bucket', undefined],
  ['a bucket that is a path', { bucket: '../x' }, 'bucket', undefined],
  ['a bucket that is hidden', { bucket: '.x' }, 'bucket', undefined],
])('%s is an error that is told at its field', (_what, parts, field, entry) => {
  const errors = checkForm(form(parts), 'cos').findings.filter(({ severity }) => severity === 'error')
  expect(errors.length).toBeGreaterThan(0)
  for (const error of errors) expect(error).toMatchObject({ field, entry })
})

test('lint findings are told, too', () => {
  const { findings } = checkForm(form({ allowedOrigins: ['*'], allowedMethods: ['PUT'] }), 'cos')
  expect(findings.filter(({ severity }) => severity === 'warning').length).toBeGreaterThan(0)
})

test.each([
  '"',
  "'",
  '\\',
  '\n',
  '#',
  ': ',
  '- ',
  '*',
  '&a',
  '!!x',
  '%x',
  '\u2028',
  '\ud800',
  'true',
  '{',
  '腾',
])('what is typed never becomes more than one text: %j', (text) => {
  const { yaml, findings } = checkForm(form({ id: `a${text}b`, allowedHeaders: [`x${text}`, text] }), 'cos')
  const codes = new Set(findings.map(({ code }) => code))
  for (const code of ['unknown-key', 'yaml-syntax', 'duplicate-key']) expect(codes).not.toContain(code)
  expect(yaml.split('\n').filter((line) => /^\S/.test(line))).toEqual(['rules:'])
})

test('/-/check answers the form, and says what is no form', async () => {
  const { call } = await startAdmin()
  const check = (body: string): ReturnType<typeof call> => call('/-/check', { method: 'POST', body })
  const answered = await check(JSON.stringify(form()))
  expect(answered.status).toBe(200)
  const checked = answered.json() as CheckedForm
  expect(checked.yaml).toContain('rules:')
  for (const body of [
    '',
    'x',
    '[]',
    '{}',
    JSON.stringify({ ...form(), more: 1 }),
    JSON.stringify(form({ allowedMethods: ['PATCH'] })),
  ]) {
    const refused = await check(body)
    expect(refused.status).toBe(400)
    expect(refused.json()).toEqual({ error: expect.stringContaining('Not the fields') })
  }
  expect((await check('x'.repeat(200_000))).status).toBe(413)
  expect((await call('/-/check')).status).toBe(405)
})

test('/-/presets tells what a rule can start with', async () => {
  const { call } = await startAdmin()
  expect((await call('/-/presets')).json()).toMatchObject({
    'aws-sdk-js-v3': { exposeHeaders: expect.arrayContaining(['ETag']) },
  })
})
