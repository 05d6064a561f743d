import { expect, test } from 'vitest'
import { readOutcomes as readMinioGo } from './minio-go.ts'
import { readOutcomes as readVersitygw } from './versitygw.ts'
import { readCadaver, readLitmus } from './webdav.ts'

test('versitygw: verdicts in colours, without ports and numbers of buckets', () => {
  const text = [
    '\x1b[33mRUN  \x1b[0mPutObject_success',
    '\x1b[32mPASS \x1b[0mPutObject_success',
    '\x1b[31mFAIL \x1b[0mListBuckets: Put "http://127.0.0.1:27111/test-bucket-661": expected 403, instead got 404',
    'RAN: 2 PASS: 1 FAIL: 1 SKIP: 0',
  ].join('\n')
  expect([...readVersitygw(text)]).toEqual([
    ['PutObject_success', 'ok'],
    ['ListBuckets', 'FAIL Put "http://STORE/test-bucket-N": expected 403, instead got 404'],
  ])
})

test('minio-go: a line of JSON each, several of one test kept together', () => {
  const line = (fields: object): string => JSON.stringify({ level: 'INFO', ...fields })
  const text = [
    'a panic or a note',
    line({
      name: 'minio-go: testCors',
      status: 'FAIL',
      message: 'Set failed',
      error: 'no bucket minio-go-test-x1',
    }),
    line({ name: 'minio-go: testCopy', status: 'PASS' }),
    line({ name: 'minio-go: testCopy', status: 'FAIL', message: 'Copy failed' }),
    line({ name: 'minio-go: testList', status: 'PASS' }),
    line({ name: 'minio-go: testList', status: 'PASS' }),
  ].join('\n')
  expect([...readMinioGo(text)]).toEqual([
    ['testCors', 'FAIL Set failed: no bucket BUCKET'],
    ['testCopy', 'ok; FAIL Copy failed'],
    ['testList', 'ok'],
  ])
})

test('litmus: the last word of each line, its warnings, and tests of one name apart', () => {
  const text = [
    "-> running `basic':",
    ' 0. init.................. \r 0. init.................. pass',
    ' 1. delete_fragment....... \r 1. delete_fragment....... WARNING: unsafe',
    '    ...................... pass (with 1 warning)',
    "<- summary for `basic': of 2 tests run: 2 passed, 0 failed. 100.0%",
    "-> running `props':",
    ' 7. propget............... \r 7. propget............... FAIL (no value)',
    '10. propget............... \r10. propget............... SKIPPED',
  ].join('\n')
  expect([...readLitmus(text)]).toEqual([
    ['basic 00 init', 'ok'],
    ['basic 01 delete_fragment', 'WARNING: unsafe: pass (with 1 warning)'],
    ['props 07 propget', 'FAIL (no value)'],
    ['props 10 propget', 'SKIPPED'],
  ])
})

test('cadaver: what followed each prompt', () => {
  const text =
    "dav:/dav/> ls\nListing collection `/dav/': succeeded.\ndav:/dav/> get x\nFetching x failed: 404\n"
  expect([...readCadaver('ls\nget x', text)]).toEqual([
    [' 0 open', ''],
    [' 1 ls', "ok ls Listing collection `/dav/': succeeded."],
    [' 2 get x', 'ok get x Fetching x failed: 404'],
  ])
})
