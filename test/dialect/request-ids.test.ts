import { describe, expect, test } from 'vitest'
import { cos } from '../../src/dialect/cos.ts'
import { dialects } from '../../src/dialect/dialects.ts'
import { oss } from '../../src/dialect/oss.ts'
import { s3 } from '../../src/dialect/s3.ts'
import { identity } from '../core.ts'

const sequences = [0, 1, 0xfff, 0x1000, 0x1001, 0xfffff, 0x100000, 0x12345678, 0xfffffffe, 0xffffffff]

describe.each(dialects)('$name', ({ requestId }) => {
  test('no two requests of a process have one id', () => {
    const count = 3 * 4096
    const ids = Array.from({ length: count }, (_, sequence) => requestId({ ...identity, sequence }))
    expect(new Set(ids).size).toBe(count)
  })

  test('no two processes, seconds or replicas share the part before the sequence, in any order of calls', () => {
    const base = { ...identity, sequence: 7 }
    const first = requestId(base)
    requestId({ ...base, node: identity.node + 1 })
    expect(requestId(base)).toBe(first)
    expect(requestId({ ...base, node: identity.node + 1 })).not.toBe(first)
  })
})

test.each(sequences)('COS: Base64 of seconds_node_process_sequence, for %i', (sequence) => {
  const { unixSeconds, node, process } = identity
  const parts = atob(cos.requestId({ ...identity, sequence })).split('_')
  expect(parts.map((part) => Number.parseInt(part, 16))).toEqual([unixSeconds, node, process, sequence])
})

test.each(sequences)('OSS: 24 hexadecimal characters that end with the sequence, for %i', (sequence) => {
  const id = oss.requestId({ ...identity, sequence })
  expect(id).toMatch(/^[0-9A-F]{24}$/)
  expect(Number.parseInt(id.slice(-8), 16)).toBe(sequence)
})

test.each(sequences)('S3: 16 hexadecimal characters that end with the sequence, for %i', (sequence) => {
  const id = s3.requestId({ ...identity, sequence })
  expect(id).toMatch(/^[0-9A-F]{16}$/)
  expect(Number.parseInt(id.slice(-8), 16)).toBe(sequence)
})

test('an id of COS is as long as its parts make it, which are not padded', () => {
  const ids = [0x2c88f7, 0x73c82a09].flatMap((node) =>
    [0xabc, 0x34b3f].map((process) => cos.requestId({ ...identity, node, process, sequence: 0x18c298a })),
  )
  for (const id of ids) expect(atob(id)).toMatch(/^[1-9a-f][0-9a-f]*(?:_[1-9a-f][0-9a-f]*){3}$/)
  expect(new Set(ids.map(({ length }) => length))).toEqual(new Set([36, 40, 44]))
})
