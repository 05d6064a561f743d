import { describe, expect, test } from 'vitest'
import { readCredentials } from '../../src/bucket-cors/credentials.ts'
import { maxAccessKeys, maxCredentialsBytes } from '../../src/bucket-cors/credentials-bounds.ts'

const read = (text: string) => readCredentials('credentials.yaml', Buffer.from(text))

const good = `# who may change CORS
accessKeys:
  - id: AKIDEXAMPLE
    secret: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
    buckets: [photos, "docs-1250000000"]
  - {id: '42', secret: 0123}
`

test('reads keys with and without buckets; an absent list means every bucket', () => {
  const { keys, findings } = read(good)
  expect(findings).toEqual([])
  expect([...(keys?.values() ?? [])]).toEqual([
    {
      id: 'AKIDEXAMPLE',
      secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      buckets: ['photos', 'docs-1250000000'],
    },
    // A secret of digits keeps its zero, because it is read as text.
    { id: '42', secret: '0123', buckets: undefined },
  ])
})

const secret = 'TOPSECRETVALUE'
const entry = (more: string): string => `accessKeys:\n  - id: AK\n    secret: ${secret}\n${more}`

describe('what is wrong is found where it stands', () => {
  test.each<readonly [string, string, string, number, number]>([
    ['an empty file', '', 'access-keys', 1, 1],
    ['only a comment', '# nothing\n', 'access-keys', 1, 1],
    ['a list', '- a\n', 'not-a-mapping', 1, 1],
    ['another key at the top', `accesskeys: []\n${entry('')}`, 'unknown-key', 1, 1],
    ['no keys', 'accessKeys: []\n', 'access-keys', 1, 13],
    ['a mapping for the list', 'accessKeys: {id: a}\n', 'access-keys', 1, 13],
    ['an unknown key', entry('    bucket: photos\n'), 'unknown-key', 4, 5],
    ['a key twice in one entry', entry('    secret: x\n'), 'duplicate-key', 4, 5],
    ['an id twice', entry(`  - {id: AK, secret: ${secret}}\n`), 'duplicate-key', 4, 5],
    ['no secret', 'accessKeys:\n  - id: AK\n', 'secret', 2, 5],
    ['an empty secret', 'accessKeys:\n  - id: AK\n    secret:\n', 'secret', 3, 12],
    ['no id', `accessKeys:\n  - secret: ${secret}\n`, 'id', 2, 5],
    ['an id that no scheme could carry', `accessKeys:\n  - {id: "A/K", secret: ${secret}}\n`, 'id', 2, 10],
    ['an empty list of buckets', entry('    buckets: []\n'), 'buckets', 4, 14],
    ['buckets as text', entry('    buckets: photos\n'), 'buckets', 4, 14],
    ['a name that is no bucket', entry('    buckets: [photos, ../etc]\n'), 'bucket', 4, 23],
    ['the fallback as a bucket', entry('    buckets: [_default]\n'), 'bucket', 4, 15],
    ['text for an entry', 'accessKeys:\n  - AK\n', 'not-a-mapping', 2, 5],
    ['a tab', entry('\tbuckets: []\n'), 'invalid-yaml', 4, 1],
    ['two documents', `${entry('')}---\n${entry('')}`, 'invalid-yaml', 4, 1],
    ['an alias', `accessKeys:\n  - {id: &a AK, secret: *a}\n`, 'alias', 2, 25],
    ['a merge key', entry('    <<: {buckets: [a]}\n'), 'unknown-key', 4, 5],
    ['a tag of a language', entry('    buckets: !!python/name:os.system [a]\n'), 'invalid-yaml', 4, 14],
    ['a prototype', entry('    __proto__: {buckets: [a]}\n'), 'unknown-key', 4, 5],
  ])('%s', (_, text, code, line, column) => {
    const { keys, findings } = read(text)
    expect(keys).toBeUndefined()
    expect(findings[0]).toMatchObject({ file: 'credentials.yaml', severity: 'error', code, line, column })
    expect(JSON.stringify(findings)).not.toContain(secret)
  })

  test('every mistake is reported at once', () => {
    const { findings } = read('accessKeys:\n  - {id: "a b", secret: ""}\n  - {key: x}\n')
    expect(findings.map(({ code }) => code)).toEqual(['id', 'secret', 'unknown-key', 'id', 'secret'])
  })
})

test('no message quotes a line of the file, for any mistake', () => {
  for (const text of [
    `accessKeys:\n  - id: AK\n    secret: "${secret}\n`,
    `accessKeys: [{id: AK, secret: ${secret}`,
    `${secret}: ${secret}\n`,
    `? ${secret}\n: - *${secret}\n`,
    `accessKeys:\n  - {id: AK, secret: [${secret}]}\n`,
    `accessKeys:\n  - {id: AK, secret: !${secret} x}\n`,
  ]) {
    const { keys, findings } = read(text)
    expect(keys).toBeUndefined()
    expect(findings.length).toBeGreaterThan(0)
    expect(JSON.stringify(findings)).not.toContain(secret)
  }
})

test('a file that is too large or not text is not parsed', () => {
  const large = `#${'x'.repeat(maxCredentialsBytes)}`
  expect(read(large).findings).toMatchObject([{ code: 'unreadable' }])
  expect(readCredentials('f', Uint8Array.of(0x61, 0xff)).findings).toMatchObject([{ code: 'unreadable' }])
})

test('more keys than the bound are an error', () => {
  const entries = Array.from({ length: maxAccessKeys + 1 }, (_, i) => `  - {id: A${i}, secret: s}\n`)
  expect(read(`accessKeys:\n${entries.join('')}`).findings).toMatchObject([{ code: 'access-keys' }])
  expect(read(`accessKeys:\n${entries.slice(1).join('')}`).keys?.size).toBe(maxAccessKeys)
})
