import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  maxEmptyElements,
  maxRequestedHeaders,
  maxRequestedHeadersLength,
  readPreflight,
} from '../../src/cors/request.ts'

/** A simple reference implementation: element by element, without surrounding whitespace. */
function plainlyRead(list: string): object {
  if (list.length > maxRequestedHeadersLength) return { what: 'headers-beyond-bounds' }
  const headers: string[] = []
  let empty = 0
  for (const element of list.split(',')) {
    const name = element.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
    if (name !== '' && (name === '*' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)))
      return { what: 'header-invalid', value: name }
    if (name === '') empty++
    else headers.push(name.toLowerCase())
    if (empty > maxEmptyElements || headers.length > maxRequestedHeaders)
      return { what: 'headers-beyond-bounds' }
  }
  return { kind: 'preflight', headers }
}

const character = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('a', 'B', '-', '*', '.', '0') },
  { weight: 8, arbitrary: fc.constantFrom(',', ' ', '\t') },
  { weight: 1, arbitrary: fc.constantFrom('"', ':', '\u00a0', '\n', '\u0130', 'é', '\u{1f600}') },
)
/** Fragments that appear once or many times, so that the limits are both met and exceeded. */
const piece = fc
  .tuple(
    fc.string({ unit: character, minLength: 1, maxLength: 4 }),
    fc.constantFrom(1, 1, 1, 2, 16, 17, 128, 129),
  )
  .map(([text, times]) => text.repeat(times))
const list = fc.oneof(
  fc.string({ unit: character, maxLength: 12 }),
  fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('')),
  fc.array(fc.constantFrom('x-a', 'range', 'X-B', ''), { maxLength: 150 }).map((names) => names.join()),
)

test('a list of requested headers is read as element by element', () => {
  const read = { browsers: 0, others: 0, refused: 0 }
  fc.assert(
    fc.property(list, (requestedHeaders) => {
      const plain = plainlyRead(requestedHeaders)
      const origin = 'https://example.com'
      expect(
        readPreflight({ method: 'OPTIONS', origin, requestedMethod: 'PUT', requestedHeaders }),
      ).toStrictEqual(
        'what' in plain ? plain : { kind: 'preflight', origin, form: 'url', method: 'PUT', ...plain },
      )
      read['what' in plain ? 'refused' : /^[a-z,-]*$/.test(requestedHeaders) ? 'browsers' : 'others']++
    }),
    { numRuns: 20_000 },
  )
  expect(Math.min(...Object.values(read))).toBeGreaterThan(100)
})

const full = maxRequestedHeadersLength

test.each([
  ['one name', 'x'.repeat(full), { headers: ['x'.repeat(full)] }],
  ['blanks', ' '.repeat(full), { headers: [] }],
  ['blanks around a name', `${' '.repeat(full / 2)}a${'\t'.repeat(full / 2 - 1)}`, { headers: ['a'] }],
  ['blanks before what no name holds', `${' '.repeat(full - 1)}"`, { what: 'header-invalid', value: '"' }],
  ['blanks within a name', `a${' '.repeat(full - 2)}b`, { what: 'header-invalid' }],
  ['commas', ','.repeat(full), { what: 'headers-beyond-bounds' }],
  ['names of one letter', 'x,'.repeat(full / 2), { what: 'headers-beyond-bounds' }],
])('%s over the whole length are read', (_, requestedHeaders, read) => {
  expect(plainlyRead(requestedHeaders)).toMatchObject(read)
  expect(
    readPreflight({
      method: 'OPTIONS',
      origin: 'https://example.com',
      requestedMethod: 'PUT',
      requestedHeaders,
    }),
  ).toMatchObject(read)
})
