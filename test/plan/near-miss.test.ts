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
  expect(found?.text).toBe(
    'The Host begins with uploads-1250000000, a bucket that has a rule file, but --host-suffix localhost is not set. Start serve with --host-suffix localhost if the store uses virtual-hosted addresses; otherwise put the bucket in the path.',
  )
  expect(missed('/', 'uploads-1250000000.localhost')?.isCertain).toBe(true)
})

test('a host suffix that is set is not asked for, even if Host names a bucket in the wrong case', () => {
  const lines = ['Host', 'photos.deep.store.test', 'Origin', 'https://example.com']
  const rules = snapshotOf({ Photos: ruleFile(), 'photos.deep': ruleFile() })
  const suffixes = { ...setup, hostSuffixes: ['store.test', 'deep.store.test'] }
  const judgement = judge(rules, suffixes, readFacts('GET', '/k', '1.1', lines))
  expect(judgement.address).toMatchObject({ kind: 'none', closeTo: 'Photos' })
  expect(nearMiss(rules, judgement, 'photos.deep.store.test')).toBeUndefined()
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
