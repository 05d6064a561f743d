import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Source, SourceNode } from '../../src/rule-file/source.ts'
import { readAnyYaml, readYaml } from '../../src/rule-file/yaml.ts'
import { readPlainYaml } from '../../src/rule-file/yaml-plain.ts'

/** Kinds, values and places, as far as both readers must agree on them. */
function outline(node: SourceNode): unknown {
  const { kind, offset } = node
  if (kind === 'scalar') return { value: node.value, offset, end: node.end }
  if (kind === 'list') return { offset, items: node.items.map(outline) }
  return {
    offset,
    entries: node.entries.map(({ key, keySpan, value }) => [
      key,
      keySpan.offset,
      keySpan.end,
      outline(value),
    ]),
  }
}

function expectAgreement(text: string): boolean {
  const quick = readPlainYaml(text)
  if (quick === undefined) return false
  const { root, comments } = readAnyYaml(text)
  expect(root, `read by the quick reader alone:\n${text}`).toBeDefined()
  expect(outline(quick.root)).toEqual(root === undefined ? undefined : outline(root))
  expect(acceptances(readYaml(text))).toEqual(comments.map(({ text: words }) => words))
  return true
}

const acceptances = ({ comments }: Source): string[] => comments.map(({ text }) => text)

const atom = fc.constantFrom(
  'GET',
  '*',
  '"*"',
  "'*'",
  'https://a.com',
  '"https://*.a.com"',
  'https://a.com:8443',
  'a:b',
  'a: b',
  'a:',
  '600',
  '0600',
  '0x10',
  '1e3',
  '-1',
  '1.5',
  '.inf',
  '~',
  'null',
  'Null',
  'true',
  'True',
  'no',
  '"a\\n"',
  "'it''s'",
  "it's",
  'x-amz-*',
  '"#"',
  'a #b',
  'a#b',
  '#c',
  '# cors-sidecar: allow x because y',
  '"é"',
  'é',
  '2020-01-01',
  '1_000',
  '10.0.0.1',
  '|',
  '>',
  '&a',
  '!t',
  '%x',
  '@a',
  '`',
  '?',
  '-',
  '- a',
  '--',
  '---',
  '...',
  '{a: b}',
  '{a: b, c: [d, e]}',
  '[a, b]',
  '[a, b,]',
  '[]',
  '{}',
  '[a b]',
  '["a", \'b\']',
  '[a: b]',
  '{a}',
  '{"a": b}',
  '[a',
  'a]',
  '',
  ' ',
  '"a" "b"',
  '"a"b',
  "'a'b",
  '/',
  '_a',
  'a,b',
  '[a#b, c]',
  '[a #b]',
)
const keyName = fc.constantFrom(
  'rules',
  'a',
  'b',
  'maxAgeSeconds',
  '$schema',
  '"q"',
  'x y',
  '-a',
  '1',
  'null',
  '<<',
  'a.b',
)

/** Lines that are mostly what somebody would write, sometimes not. */
const line = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(keyName, atom).map(([name, value]) => `${name}: ${value}`) },
  { weight: 4, arbitrary: keyName.map((name) => `${name}:`) },
  { weight: 3, arbitrary: atom.map((value) => `- ${value}`) },
  { weight: 3, arbitrary: fc.tuple(keyName, atom).map(([name, value]) => `- ${name}: ${value}`) },
  { weight: 1, arbitrary: atom },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '# comment',
      '-   a: b',
      'a:  b  # c',
      '- - a',
      'a: b # cors-sidecar: allow x because y',
    ),
  },
)
const text = fc
  .array(fc.tuple(fc.constantFrom('', '', '  ', '  ', '    ', '      ', ' '), line), {
    minLength: 1,
    maxLength: 7,
  })
  .chain((lines) =>
    fc.constantFrom('\n', '').map((end) => lines.map(([indent, rest]) => indent + rest).join('\n') + end),
  )

/** Documents as people write them: two or four spaces, lists as deep as their key or deeper, comments anywhere. */
const scalar = fc.constantFrom(
  'GET',
  '"*"',
  "'https://*.a.com'",
  'https://a.com:8443',
  '600',
  '0',
  'true',
  'null',
  'x-amz-date',
  '""',
  '"é # x"',
  '10.0.0.x',
)
const flow = fc.letrec<{ value: string; list: string; map: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 2 }, scalar, tie('list'), tie('map')),
  list: fc
    .array(tie('value'), { maxLength: 3 })
    .chain((items) => fc.constantFrom(', ', ',', ' , ').map((comma) => `[${items.join(comma)}]`)),
  map: fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'origin'), tie('value')), { maxLength: 3 })
    .map((pairs) => `{${pairs.map(([name, value]) => `${name}: ${value}`).join(', ')}}`),
})).value
const tail = fc.constantFrom('', '', '', ' # comment', '  ', ' # cors-sidecar: allow x because y')
const between = fc.constantFrom('', '', '', '# comment\n', '\n', '      # odd\n', '  \n')

type Block = (indent: string) => string
const block = fc.letrec<{ map: Block; list: Block }>((tie) => ({
  map: fc
    .array(
      fc.tuple(
        fc.constantFrom('rules', 'id', 'maxAgeSeconds', '$x', 'a-b'),
        between,
        tail,
        fc.oneof(
          { maxDepth: 3 },
          flow.map(
            (value): Block =>
              () =>
                ` ${value}`,
          ),
          fc
            .tuple(fc.constantFrom('map', 'list'), fc.constantFrom('', '  ', '    '), tie('map'), tie('list'))
            .map(
              ([kind, more, map, list]): Block =>
                (indent) =>
                  kind === 'list' ? `\n${list(indent + more)}` : `\n${map(`${indent}  ${more}`)}`,
            ),
        ),
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map(
      (entries): Block =>
        (indent) =>
          entries
            .map(([name, before, end, value]) => {
              const written = value(indent)
              return `${before}${indent}${name}:${written.startsWith('\n') ? `${end}${written}` : `${written}${end}\n`}`
            })
            .join(''),
    ),
  list: fc
    .array(
      fc.tuple(between, tail, fc.constantFrom(' ', '   '), fc.oneof({ maxDepth: 3 }, flow, tie('map'))),
      { minLength: 1, maxLength: 3 },
    )
    .map(
      (items): Block =>
        (indent) =>
          items
            .map(([before, end, gap, item]) =>
              typeof item === 'string'
                ? `${before}${indent}-${gap}${item}${end}\n`
                : `${before}${indent}-${gap}${item(`${indent} ${gap}`).replace(/^(?:\s*(?:#.*)?\n)*\s*/, '')}`,
            )
            .join(''),
    ),
}))

describe('the quick YAML reader', () => {
  test('reads what the yaml package reads, at the same places, or leaves it alone', () => {
    let read = 0
    fc.assert(
      fc.property(text, (candidate) => {
        if (expectAgreement(candidate)) read++
      }),
      { numRuns: 4000 },
    )
    // Otherwise nothing was compared.
    expect(read).toBeGreaterThan(10)
  })

  test('reads documents as people write them itself, and as the yaml package does', () => {
    fc.assert(
      fc.property(fc.oneof(block.map, block.list), (write) => {
        const document = write('')
        expect(expectAgreement(document), document).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test('agrees on whole rule files, whatever is cut out of them', () => {
    const file = `# yaml-language-server: $schema=x.json
rules:
  - id: web-app   # cors-sidecar: allow x because y
    allowedOrigins: ["https://example.com", 'https://*.example.org']
    allowedMethods: [PUT, GET]
    exposeHeaders:
    - ETag
    - x-cos-meta-author
    maxAgeSeconds: 600

  - {id: second, allowedOrigins: ["*"], allowedMethods: [GET, HEAD]}
dialect: cos
hosts: [assets.example.com]
tests:
  - {origin: "https://example.com", method: PUT, headers: [content-type], expect: allow}
`
    expect(expectAgreement(file)).toBe(true)
    fc.assert(
      fc.property(
        fc.nat(file.length),
        fc.nat(6),
        fc.constantFrom('', ' ', '\n', '#', ':', '-', '"', ']', '- ', ': '),
        (at, length, put) => {
          expectAgreement(file.slice(0, at) + put + file.slice(at + length))
        },
      ),
      { numRuns: 1500 },
    )
  })

  test.each([
    'a: "x\\ty"\n',
    "a: 'it''s'\n",
    'a: &x b\n',
    'a: *x\n',
    'a: !t b\n',
    'a: |\n  b\n',
    'a: b\n  c\n',
    'a:\n',
    '- - a\n',
    '"a": b\n',
    'a:\tb\n',
    'a: b\r\n',
    '---\na: b\n',
    'a: 0x10\n',
    'a: Null\n',
    'a: [b,]\n',
    'a: [b,\n  c]\n',
    '{a: }\n',
    'a: b: c\n',
    ' a: b\n  c: d\n',
  ])('leaves %j to the yaml package', (doubtful) => {
    expect(readPlainYaml(doubtful)).toBeUndefined()
  })
})
