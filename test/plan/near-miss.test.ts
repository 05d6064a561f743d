import { expect, test } from 'vitest'
import { readFacts } from '../../src/http.ts'
import { judge } from '../../src/plan/judge.ts'
import { nearMiss } from '../../src/plan/near-miss.ts'
import { ruleFile, setup, snapshotOf } from '../core.ts'

const snapshot = snapshotOf({
  photos: ruleFile(),
  'uploads-1250000000': ruleFile(),
  's3-cors': ruleFile(),
})

function missed(target: string, host = 'store.test'): ReturnType<typeof nearMiss> {
  const lines = ['Host', host, 'Origin', 'https://example.com', 'Access-Control-Request-Method', 'GET']
  return nearMiss(snapshot, judge(snapshot, setup, readFacts('OPTIONS', target, '1.1', lines)), host)
}

test('a bucket with a similar name is pointed out', () => {
  expect(missed('/photso/a')).toEqual({
    text: 'Did you mean the bucket photos, which has a rule file?',
    isCertain: false,
  })
})

test('a Host that begins with a bucket is pointed out, and a path is not', () => {
  const found = missed('/a/hello.txt', 'uploads-1250000000.localhost:28080')
  expect(found?.isCertain).toBe(true)
  expect(found?.text).toContain('--host-suffix localhost')
  expect(missed('/', 'uploads-1250000000.localhost')?.isCertain).toBe(true)
})

test('a file whose name describes its content, such as cors.json, is pointed out', () => {
  expect(missed('/videos/a')?.text).toContain('rename it to videos.yaml')
})

test.each([
  ['a bucket with rules', '/photos/a', 'store.test'],
  ['a bucket with rules, for any Host', '/photos/a', 'uploads-1250000000.localhost'],
  ['a target that is refused', '/a/../b', 'store.test'],
  ['an address that is no name', '/', 'photos.127.0.0.1'],
])('nothing is pointed out for %s', (_what, target, host) => {
  expect(missed(target, host)).toBeUndefined()
})
