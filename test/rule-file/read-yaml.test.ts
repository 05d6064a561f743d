import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { SourceNode } from '../../src/rule-file/source.ts'
import { readYaml, readYamlTree } from '../../src/rule-file/yaml.ts'

function plain(node: SourceNode): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plain)
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]))
}

function* scalarsIn(node: SourceNode): Generator<SourceNode & { readonly kind: 'scalar' }> {
  if (node.kind === 'scalar') yield node
  else if (node.kind === 'list') for (const item of node.items) yield* scalarsIn(item)
  else for (const { value } of node.entries) yield* scalarsIn(value)
}

/**
 * Documents in the styles that people use: two or four spaces, lists at or below the indentation of their key,
 * comments anywhere.
 */
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

describe('the YAML reader', () => {
  test('reads documents as the yaml package does, each value and key at its place', () => {
    fc.assert(
      fc.property(fc.oneof(block.map, block.list), (write) => {
        const document = write('')
        const { root } = readYamlTree(document)
        if (root === undefined) throw new Error(`not read:\n${document}`)
        expect(plain(root)).toEqual(parse(document, { uniqueKeys: false }))
        for (const { value, offset, end } of scalarsIn(root))
          if (end > offset) expect(parse(document.slice(offset, end))).toEqual(value)
      }),
      { numRuns: 1000 },
    )
  })

  test('finds the acceptance comments, and no other comments', () => {
    const text =
      '# one\na: b # cors-sidecar: allow x because y\n# cors-sidecar: allow z because w\nc: "# cors-sidecar: no"\n'
    expect(readYaml(text).comments.map((comment) => [comment.text, comment.covers])).toEqual([
      [' cors-sidecar: allow x because y', { offset: 6, end: 79 }],
      [' cors-sidecar: allow z because w', { offset: 0, end: text.length + 1 }],
    ])
  })

  test.each([
    ['follows aliases, up to twenty times', 20, []],
    ['refuses more aliases than twenty', 21, ['yaml-alias-limit']],
  ])('%s', (_, count, codes) => {
    const text = `a: &x b\nc: [${Array(count).fill('*x').join(', ')}]\n`
    const { root, problems } = readYamlTree(text)
    expect(problems.map(({ code }) => code)).toEqual(codes)
    expect(root === undefined ? undefined : plain(root)).toEqual(
      codes.length > 0 ? undefined : { a: 'b', c: Array(count).fill('b') },
    )
  })

  test('refuses every alias where it is asked to', () => {
    const { root, problems } = readYamlTree('a: &x b\nc: *x\n', { aliases: 'refuse' })
    expect(root).toBeUndefined()
    expect(problems).toMatchObject([{ code: 'yaml-alias-limit', offset: 11 }])
  })

  test.each([
    ['more tokens than there may be', '[a,'.repeat(3) + ']'.repeat(3), { maxTokens: 5 }, 'file-too-large'],
    ['deep flow', `a: ${'['.repeat(40)}${']'.repeat(40)}\n`, {}, 'yaml-too-deep'],
    ['deep blocks', `${'- '.repeat(40)}a\n`, {}, 'yaml-too-deep'],
    ['a hundred thousand brackets', '['.repeat(60_000), {}, 'yaml-too-deep'],
  ])('refuses %s before it composes a document', (_, text, options, code) => {
    const { root, problems } = readYamlTree(text, options)
    expect(root).toBeUndefined()
    expect(problems.map((problem) => problem.code)).toEqual([code])
  })
})
