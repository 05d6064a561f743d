import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf } from '../../src/proxy/lines.ts'

const memory = Buffer.from(Array.from({ length: 256 * 300 }, (_, i) => i % 256))
const other = Buffer.from('another read')
const oneByOne = (raw: readonly (Buffer | string)[]): string[] =>
  raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))

test('header lines give the same text for any layout of their bytes in memory', () => {
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(fc.nat(memory.length), fc.nat(40)).map(([at, length]) => [at, length]) },
    { weight: 1, arbitrary: fc.constantFrom('text', other.subarray(2, 5), Buffer.alloc(0)) },
  )
  const part = (one: number[] | string | Buffer): Buffer | string =>
    Array.isArray(one) ? memory.subarray(one[0], (one[0] ?? 0) + (one[1] ?? 0)) : one
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, inOrder) => {
      const sorted = inOrder
        ? pieces.toSorted((a, b) => Number(Array.isArray(a) && a[0]) - Number(Array.isArray(b) && b[0]))
        : pieces
      const raw = sorted.map(part)
      expect(linesOf(raw)).toEqual(oneByOne(raw))
    }),
  )
})

test('bytes above 127 stay the Latin-1 characters that they are', () => {
  const bytes = Buffer.from([0x61, 0xe4, 0xff, 0x62, 0x80])
  expect(linesOf([bytes.subarray(0, 2), bytes.subarray(2)])).toEqual(['aä', 'ÿb\x80'])
})
