import { describe, expect, test, vi } from 'vitest'
import { type Endpoints, foldedName, hostName, isBucketName, resolveAddress } from '../../src/plan/address.ts'
import { facts } from '../core.ts'

const configured = ['photos', 'private', 'public', 'Upper', 'photos.deep']

const endpoints: Endpoints = {
  buckets: new Map(configured.map((name) => [name, name])),
  foldedNames: new Map(configured.map((name) => [foldedName(name), name])),
  hosts: new Map([['cdn.example.com', 'photos']]),
  suffixes: [
    'store.test',
    'deep.store.test',
    'cos.ap-beijing.myqcloud.com',
    'oss-cn-hangzhou.aliyuncs.com',
    's3.amazonaws.com',
    's3.us-west-2.amazonaws.com',
  ],
}

const resolve = (host: string, target: string) =>
  resolveAddress(facts('GET', target, ['Host', host]), endpoints)

describe('which bucket', () => {
  test.each([
    ['store.test', '/photos/cat.png', 'photos', false],
    ['store.test', '/photos', 'photos', true],
    ['store.test', '/photos/', 'photos', true],
    ['store.test', '/photos?list-type=2', 'photos', true],
    ['store.test', '/photos//cat.png', 'photos', false],
    ['store.test', '/ph%6Ftos/k', 'photos', false],
    ['photos.store.test', '/cat.png', 'photos', false],
    ['photos.store.test', '/', 'photos', true],
    ['photos.store.test', '//', 'photos', false],
    ['photos.store.test:8443', '/k', 'photos', false],
    ['Upper.store.test', '/k', 'Upper', false],
    ['Unknown.store.test', '/k', 'Unknown', false],
    ['a.b.store.test', '/k', 'a.b', false],
    ['photos.deep.store.test', '/k', 'photos', false],
    ['examplebucket-1250000000.cos.ap-beijing.myqcloud.com', '/k', 'examplebucket-1250000000', false],
    ['oss-example.oss-cn-hangzhou.aliyuncs.com', '/k', 'oss-example', false],
    ['photos.s3.amazonaws.com', '/k', 'photos', false],
    ['photos.s3.us-west-2.amazonaws.com:443', '/k', 'photos', false],
    ['s3.us-west-2.amazonaws.com', '/photos/k', 'photos', false],
    ['cdn.example.com', '/anything/k', 'photos', false],
    ['cdn.example.com:8443', '/anything/k', 'photos', false],
    // Host names no bucket in any spelling.
    ['STORE.test.', '/photos/k', 'photos', false],
    ['Other.test:080', '/photos/k', 'photos', false],
    ['[::1]:9000', '/photos/k', 'photos', false],
    ['127.0.0.1:9000', '/photos/k', 'photos', false],
    ['xstore.test', '/photos/k', 'photos', false],
  ])('%s %s is in %s', (host, target, name, onBucket) => {
    expect(resolve(host, target)).toMatchObject({ kind: 'bucket', name, onBucket, target })
  })

  test.each([
    ['store.test', '/', 'service'],
    ['store.test', '/?Action=AssumeRole', 'service'],
    ['store.test', '//photos/k', 'none'],
    ['store.test', '/_default/k', 'none'],
    ['store.test', '/-photos/k', 'none'],
    ['store.test', `/${'a'.repeat(64)}/k`, 'none'],
    ['store.test', '/a%20b/k', 'none'],
    ['store.test', '/%E4%BD%A0/k', 'none'],
    ['store.test', '/%ff/k', 'none'],
    ['store.test', '/a%252fb/k', 'none'],
    ['_x.store.test', '/k', 'none'],
  ])('%s %s names no bucket', (host, target, kind) => {
    expect(resolve(host, target)).toMatchObject({ kind, target })
  })

  test('a name that cannot be a bucket name is said to come from Host or from the path', () => {
    expect(resolve('_x.store.test', '/k')).toMatchObject({ kind: 'none', byHost: true })
    expect(resolve('store.test', '/_x/k')).toMatchObject({ kind: 'none', byHost: false })
  })
})

describe('a Host that names a bucket only after it is normalised is refused', () => {
  test.each([
    'photos.store.test.',
    'photos.store.test.:80',
    'photos.store.test:080',
    'photos.store.test:0',
    'photos.store.test:',
    'photos.Store.test',
    'photos.STORE.TEST:8443',
    'unknown.store.test.',
    'photos.deep.Store.test',
    'photos.DEEP.store.test',
    // For a bucket with rules even the label must match its file exactly.
    'PHOTOS.store.test',
    'CDN.example.com',
    'cdn.example.com.',
    'cdn.example.com.:8443',
  ])('%s', (host) => {
    for (const target of ['/private/secret', '/', '/private/../secret'])
      expect(resolve(host, target)).toMatchObject({
        kind: 'refused',
        defect: { status: 400 },
        name: undefined,
      })
  })
})

const endsWithDot = 'The host name in the Host header must not end with a dot.'
const badPort = 'The port in the Host header must be a number from 1 to 65535, without a leading zero.'
const otherCase =
  'The Host header must give the bucket name in the case of its rule file, and everything else in lower case.'

test.each([
  ['photos.store.test.', endsWithDot],
  ['photos.Store.test.:80', endsWithDot],
  ['photos.store.test:080', badPort],
  ['photos.store.test:0', badPort],
  ['photos.Store.test', otherCase],
  ['PHOTOS.store.test', otherCase],
  // In lower case it would not name the bucket Upper either.
  ['UPPER.store.test', otherCase],
  ['CDN.example.com', otherCase],
])('the refusal of the Host %s says what to change', (host, message) => {
  expect(resolve(host, '/k')).toMatchObject({ kind: 'refused', defect: { message } })
})

describe('a Host-named request lists the other buckets that a store may take it for', () => {
  test.each([
    ['public.store.test', '/private/secret', ['private']],
    ['public.store.test', '/private', ['private']],
    ['public.store.test', '/%70rivate/secret', ['private']],
    ['public.store.test', '//private/secret', ['private']],
    ['public.store.test', '/private%2fsecret', ['private']],
    ['public.store.test', '/%2fprivate/secret', ['private']],
    ['public.store.test', '/private%5csecret', ['private']],
    ['public.store.test', '/private;v=1/secret', ['private']],
    ['public.store.test', '/private::$INDEX_ALLOCATION/secret', ['private']],
    // Resembles a configured name, so no rules apply.
    ['public.store.test', '/Private/secret', ['Private']],
    ['public.store.test', '/private./secret', ['private.']],
    ['public.store.test', '/private%20/secret', ['private ']],
    ['public.store.test', '/priv%E2%80%8Date/secret', ['priv\u200date']],
    ['cdn.example.com', '/private/secret', ['private']],
    ['photos.deep.store.test', '/k', ['photos.deep']],
    ['photos.deep.store.test', '/private/k', ['photos.deep', 'private']],
    ['public.store.test', '/public/k', []],
    ['public.store.test', '/unknown/private/k', []],
    ['public.store.test', '/', []],
    ['store.test', '/public/private/k', []],
  ])('%s %s: %j', (host, target, others) => {
    expect(resolve(host, target)).toMatchObject({ kind: 'bucket', others })
  })

  test('also when a byte later in the path is not UTF-8', () => {
    const { others } = Object(resolve('public.store.test', '/%70rivate/%ff'))
    expect(others).toEqual(['private'])
  })

  test('thousands of escapes that are not UTF-8 cost one exception, not one each', () => {
    const decode = vi.spyOn(globalThis, 'decodeURIComponent')
    try {
      expect(resolve('public.store.test', `/private/${'%ff'.repeat(5_000)}`)).toMatchObject({
        others: ['private'],
      })
      expect(decode.mock.calls.length).toBeLessThanOrEqual(1)
    } finally {
      decode.mockRestore()
    }
  })
})

test.each([
  ['/Private/x', 'private'],
  ['/PRIVATE', 'private'],
  ['/private./x', 'private'],
  ['/private../x', 'private'],
  ['/private%2e/x', 'private'],
  ['/upper/x', 'Upper'],
  ['/%50rivate/x', 'private'],
])('%s differs from a configured bucket by case or trailing dots only: it is no bucket', (target, closeTo) => {
  expect(resolve('store.test', target)).toEqual({
    ...{ kind: 'none', byHost: false, closeTo },
    ...{ target, path: target, query: '' },
  })
})

test('a lower-case Host does not name a bucket whose rule file is written in capitals', () => {
  expect(resolve('upper.store.test', '/k')).toMatchObject({
    kind: 'none',
    byHost: true,
    closeTo: 'Upper',
  })
})

describe('targets that two readers could understand differently are refused', () => {
  test.each([
    '/photos/../secret/k',
    '/photos/..',
    '/photos/./k',
    '/./photos/k',
    '/%2e%2e/secret',
    '/photos/%2E./secret',
    '/photos/.%2e/secret',
    '/photos/x%2F..%2F..%2Fsecret',
    '/photos/..%5csecret',
    '/photos/..;/secret',
    '/photos/..%3b/secret',
    '/photos%2Fx/k',
    '/photos%5cx/k',
    '/photos%00/k',
    '/photos\\..\\secret',
    '/photos/k#fragment',
    '/photos/k%',
    '/photos/k%zz',
    'photos/k',
    '*',
    '*/x',
    'http://other.test/photos/k',
    'http://store.test@other.test/photos/k',
    'http://store.test:99999999/photos/k',
    'ftp://store.test/photos/k',
  ])('%s', (target) => {
    expect(resolve('store.test', target)).toMatchObject({ kind: 'refused', defect: { status: 400 } })
  })

  test('a percent sign that begins no escape is named', () => {
    for (const target of ['/photos/k%', '/photos/k%zz'])
      expect(resolve('store.test', target)).toMatchObject({
        defect: { message: 'The request target contains a percent sign without two hexadecimal digits.' },
      })
  })

  test('the bucket stays known where Host named it', () => {
    expect(resolve('photos.store.test', '/a/../b')).toMatchObject({ kind: 'refused', name: 'photos' })
    expect(resolve('store.test', '/photos/../b')).toMatchObject({ kind: 'refused', name: undefined })
  })

  test.each([
    '/photos/a..b',
    '/photos/...',
    '/photos/.hidden',
    '/photos/a.',
    '/photos/%252e%252e/k',
    '/photos/k?a=../..&b=%zz&c=\\',
  ])('%s is an ordinary key', (target) => {
    expect(resolve('store.test', target)).toMatchObject({ kind: 'bucket', target })
  })
})

describe('an absolute-form target is cut to its path', () => {
  test.each([
    ['store.test', 'http://store.test/photos/k?x=1', '/photos/k?x=1'],
    ['Store.Test:80', 'HTTP://store.test/photos/k', '/photos/k'],
    ['store.test', 'https://store.test:443/photos//k', '/photos//k'],
    ['store.test', 'http://store.test', '/'],
    ['store.test', 'http://store.test?x', '/?x'],
  ])('Host %s, %s', (host, sent, target) => {
    expect(resolve(host, sent)).toMatchObject({ target })
  })
})

test.each([
  ['a', true],
  ['examplebucket-1250000000', true],
  ['A.b_c', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['.a', false],
  ['_default', false],
  ['a/b', false],
  ['é', false],
])('%j as a bucket name: %s', (name, expected) => {
  expect(isBucketName(name)).toBe(expected)
})

test.each([
  ['a.test:80', 'a.test'],
  ['A.Test.', 'a.test'],
  ['[::1]:80', '[::1]'],
  ['[::1]', '[::1]'],
  ['', ''],
])('the host name of %j is %j', (host, name) => {
  expect(hostName(host)).toBe(name)
})
