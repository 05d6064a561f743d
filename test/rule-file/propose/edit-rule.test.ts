import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { editRule, type RuleEdit } from '../../../src/rule-file/propose/edit-rule.ts'
import { readModel } from '../../../src/rule-file/propose/rule-model.ts'

const yaml = `# Owner: web team
rules:
  # The shop.
  - id: shop
    allowedOrigins:
      - "https://a.example" # production
      # Previews come and go.
      - "https://*.b.example"
    allowedMethods: [GET, PUT]
    maxAgeSeconds: 600 # ten minutes
  # Uploads by presigned URLs.
  - preset: presigned-upload
    allowedOrigins: ['https://c.example']
tests:
  - {origin: "https://a.example", method: GET, expect: allow}
`
const json = `{
  "CORSRules": [
    {
      "AllowedOrigins": ["https://a.example", "https://b.example"],
      "AllowedMethods": ["GET"],
      "MaxAgeSeconds": 600
    }
  ]
}
`

const xml = `<?xml version="1.0" encoding="UTF-8"?>
<!-- Owner: web team -->
<CORSConfiguration>
  <!-- The shop. -->
  <CORSRule>
    <ID>shop</ID>
    <AllowedOrigin>https://a.example</AllowedOrigin>
    <!-- Previews come and go. -->
    <AllowedOrigin>https://*.b.example</AllowedOrigin>
    <AllowedMethod>GET</AllowedMethod>
    <AllowedMethod>PUT</AllowedMethod>
    <MaxAgeSeconds>600</MaxAgeSeconds>
  </CORSRule>
  <!-- Readers. -->
  <CORSRule>
    <AllowedOrigin><![CDATA[https://c.example]]></AllowedOrigin>
    <AllowedMethod>GET</AllowedMethod>
  </CORSRule>
  <ResponseVary>true</ResponseVary>
</CORSConfiguration>
`

const list = (
  field: 'allowedOrigins' | 'allowedMethods' | 'exposeHeaders',
  ...values: string[]
): RuleEdit => ({
  kind: 'list',
  rule: 0,
  field,
  values,
})
const text = (field: 'id' | 'preset' | 'maxAgeSeconds', value: string, rule = 0): RuleEdit => ({
  kind: 'text',
  rule,
  field,
  value,
})

describe('an edit of the form changes only the text of its field', () => {
  test.each<[string, RuleEdit, string, string]>([
    [
      'an origin added to a block list',
      list('allowedOrigins', 'https://a.example', 'https://*.b.example', 'https://d.example'),
      '      - "https://*.b.example"\n',
      '      - "https://*.b.example"\n      - "https://d.example"\n',
    ],
    [
      'an origin removed, the comment above it too',
      list('allowedOrigins', 'https://a.example'),
      '      # Previews come and go.\n      - "https://*.b.example"\n',
      '',
    ],
    [
      'origins in another order, each with its comments',
      list('allowedOrigins', 'https://*.b.example', 'https://a.example'),
      '      - "https://a.example" # production\n      # Previews come and go.\n      - "https://*.b.example"\n',
      '      # Previews come and go.\n      - "https://*.b.example"\n      - "https://a.example" # production\n',
    ],
    ['every origin removed', list('allowedOrigins'), /* the list becomes brackets */ '', ''],
    [
      'a method added in brackets',
      list('allowedMethods', 'GET', 'PUT', 'HEAD'),
      '[GET, PUT]',
      '[GET, PUT, HEAD]',
    ],
    [
      'a field that was not there',
      list('exposeHeaders', 'ETag'),
      '    allowedMethods: [GET, PUT]\n',
      '    allowedMethods: [GET, PUT]\n    exposeHeaders: [ETag]\n',
    ],
    ['another max-age', text('maxAgeSeconds', '30'), '600 # ten', '30 # ten'],
    ['no max-age', text('maxAgeSeconds', ''), '    maxAgeSeconds: 600 # ten minutes\n', ''],
    ['another id', text('id', 'web shop'), 'id: shop', 'id: "web shop"'],
    ['no id, which stands behind the dash', text('id', ''), 'id: shop\n    ', ''],
    ['an id for a rule without', text('id', 'up', 1), '- preset:', '- id: up\n    preset:'],
    ['no preset', text('preset', '', 1), 'preset: presigned-upload\n    ', ''],
    [
      'the first rule removed, with its comment',
      { kind: 'remove', rule: 0 },
      yaml.slice(yaml.indexOf('  # The shop.'), yaml.indexOf('  # Uploads')),
      '',
    ],
    [
      'a rule added',
      { kind: 'add' },
      "['https://c.example']\n",
      "['https://c.example']\n  - allowedMethods: [GET, HEAD]\n    maxAgeSeconds: 600\n",
    ],
  ])('%s', (_what, edit, before, after) => {
    const expected =
      edit.kind === 'list' && edit.values.length === 0
        ? yaml.replace(/allowedOrigins:\n[\s\S]*?b\.example"/, 'allowedOrigins: []')
        : yaml.replace(before, () => after)
    expect(editRule(yaml, 'yaml', edit)).toBe(expected)
  })

  test('rules change places, each with the comments above it, and back again', () => {
    const moved = editRule(yaml, 'yaml', { kind: 'move', rule: 1, to: 0 }) ?? ''
    expect(moved.indexOf('# Uploads by')).toBeLessThan(moved.indexOf('# The shop.'))
    expect(moved).toContain('# Uploads by presigned URLs.\n  - preset: presigned-upload')
    expect(moved).toContain('# The shop.\n  - id: shop')
    expect(editRule(moved, 'yaml', { kind: 'move', rule: 1, to: 0 })).toBe(yaml)
  })

  test.each<[string, RuleEdit, string, string]>([
    ['an origin removed', list('allowedOrigins', 'https://b.example'), '"https://a.example", ', ''],
    [
      'a field added',
      list('exposeHeaders', 'ETag'),
      '["GET"],\n',
      '["GET"],\n      "ExposeHeaders": ["ETag"],\n',
    ],
    ['the last field removed', text('maxAgeSeconds', ''), ',\n      "MaxAgeSeconds": 600', ''],
    ['an id put first', text('id', 'web'), '"AllowedOrigins"', '"ID": "web", "AllowedOrigins"'],
  ])('in JSON: %s', (_what, edit, before, after) => {
    expect(editRule(json, 'json', edit)).toBe(json.replace(before, () => after))
  })

  test.each<[string, RuleEdit, string, string]>([
    [
      'an origin added, with characters of markup',
      list('allowedOrigins', 'https://a.example', 'https://*.b.example', '</ID><a>&'),
      '    <AllowedMethod>GET</AllowedMethod>\n    <AllowedMethod>PUT',
      '    <AllowedOrigin>&lt;/ID&gt;&lt;a&gt;&amp;</AllowedOrigin>\n    <AllowedMethod>GET</AllowedMethod>\n    <AllowedMethod>PUT',
    ],
    [
      'an origin removed, with the comment above it',
      list('allowedOrigins', 'https://a.example'),
      '    <!-- Previews come and go. -->\n    <AllowedOrigin>https://*.b.example</AllowedOrigin>\n',
      '',
    ],
    [
      'methods in another order',
      list('allowedMethods', 'PUT', 'GET'),
      '    <AllowedMethod>GET</AllowedMethod>\n    <AllowedMethod>PUT</AllowedMethod>\n',
      '    <AllowedMethod>PUT</AllowedMethod>\n    <AllowedMethod>GET</AllowedMethod>\n',
    ],
    [
      'every method removed',
      list('allowedMethods'),
      '    <AllowedMethod>GET</AllowedMethod>\n    <AllowedMethod>PUT</AllowedMethod>\n',
      '',
    ],
    [
      'a field that was not there',
      list('exposeHeaders', 'ETag'),
      '    <MaxAgeSeconds>600',
      '    <ExposeHeader>ETag</ExposeHeader>\n    <MaxAgeSeconds>600',
    ],
    ['a max-age changed', text('maxAgeSeconds', '60'), '>600<', '>60<'],
    ['a max-age removed', text('maxAgeSeconds', ''), '    <MaxAgeSeconds>600</MaxAgeSeconds>\n', ''],
    [
      'an id put first',
      text('id', 'readers', 1),
      '    <AllowedOrigin><![CDATA[',
      '    <ID>readers</ID>\n    <AllowedOrigin><![CDATA[',
    ],
    [
      'a rule removed, with the comment above it',
      { kind: 'remove', rule: 1 },
      xml.slice(xml.indexOf('  <!-- Readers'), xml.indexOf('  <ResponseVary')),
      '',
    ],
    [
      'a rule added',
      { kind: 'add' },
      '  <ResponseVary>',
      '  <CORSRule>\n    <AllowedMethod>GET</AllowedMethod>\n    <AllowedMethod>HEAD</AllowedMethod>\n    <MaxAgeSeconds>600</MaxAgeSeconds>\n  </CORSRule>\n  <ResponseVary>',
    ],
  ])('in XML: %s', (_what, edit, before, after) => {
    expect(editRule(xml, 'xml', edit)).toBe(xml.replace(before, () => after))
  })

  test('rules of XML change places, each with the comment above it, and back again', () => {
    const moved = editRule(xml, 'xml', { kind: 'move', rule: 1, to: 0 }) ?? ''
    expect(moved.indexOf('<!-- Readers.')).toBeLessThan(moved.indexOf('<!-- The shop.'))
    expect(editRule(moved, 'xml', { kind: 'move', rule: 0, to: 1 })).toBe(xml)
  })

  test('XML on one line, and with a namespace prefix', () => {
    const one =
      '<s3:CORSConfiguration xmlns:s3="x"><s3:CORSRule><s3:ID/><s3:AllowedOrigin>*</s3:AllowedOrigin></s3:CORSRule></s3:CORSConfiguration>'
    expect(editRule(one, 'xml', list('allowedMethods', 'GET', 'PUT'))).toBe(
      one.replace(
        '</s3:CORSRule>',
        '<s3:AllowedMethod>GET</s3:AllowedMethod><s3:AllowedMethod>PUT</s3:AllowedMethod></s3:CORSRule>',
      ),
    )
    expect(editRule(one, 'xml', text('id', 'a'))).toBe(one.replace('<s3:ID/>', '<s3:ID>a</s3:ID>'))
    const rule =
      '<s3:CORSRule><s3:AllowedMethod>GET</s3:AllowedMethod><s3:AllowedMethod>HEAD</s3:AllowedMethod><s3:MaxAgeSeconds>600</s3:MaxAgeSeconds></s3:CORSRule>'
    const more = editRule(one, 'xml', { kind: 'add' })
    expect(more).toBe(one.replace('</s3:CORSConfiguration>', `${rule}</s3:CORSConfiguration>`))
    const none = editRule(one, 'xml', { kind: 'remove', rule: 0 })
    expect(none).toBe('<s3:CORSConfiguration xmlns:s3="x"></s3:CORSConfiguration>')
    const first = editRule(none ?? '', 'xml', { kind: 'add' })?.replaceAll(/\s*\n\s*/g, '')
    expect(first).toBe(one.replace(/<s3:CORSRule>.*<\/s3:CORSRule>/, rule))
  })

  test('a rule added to XML without one', () => {
    expect(editRule('<CORSConfiguration>\n</CORSConfiguration>\n', 'xml', { kind: 'add' })).toBe(
      '<CORSConfiguration>\n  <CORSRule>\n    <AllowedMethod>GET</AllowedMethod>\n    <AllowedMethod>HEAD</AllowedMethod>\n    <MaxAgeSeconds>600</MaxAgeSeconds>\n  </CORSRule>\n</CORSConfiguration>\n',
    )
  })

  test('the last rule leaves an empty list', () => {
    const one = 'rules:\n- allowedOrigins: ["https://a.example"]\n  allowedMethods: [GET]\nmode: report\n'
    expect(editRule(one, 'yaml', { kind: 'remove', rule: 0 })).toBe('rules: []\nmode: report\n')
    expect(editRule('rules: []\n', 'yaml', { kind: 'add' })).toBe(
      'rules:\n  - allowedMethods: [GET, HEAD]\n    maxAgeSeconds: 600\n',
    )
  })
})

const acceptance = '# cors-sidecar: allow origin-any because everyone may read'

describe('an edit keeps every comment about something that stays', () => {
  test.each<[string, RuleEdit, string, string]>([
    [
      'the id behind the dash removed, with the comment on its line',
      text('id', ''),
      `rules:\n  - id: a  # note\n    ${acceptance}\n    allowedOrigins: ["*"]\n`,
      `rules:\n  -\n    ${acceptance}\n    allowedOrigins: ["*"]\n`,
    ],
    [
      'the id behind the dash removed, with nothing but the comment on its line',
      text('id', ''),
      'rules:\n  - id: a  # note\n    allowedOrigins: ["*"]\n',
      'rules:\n  - allowedOrigins: ["*"]\n',
    ],
    [
      'the id removed below a dash that stands alone',
      text('id', ''),
      'rules:\n  -\n    # who\n    id: a # note\n    # why\n    allowedOrigins: ["*"]\n',
      'rules:\n  -\n    # who\n    # why\n    allowedOrigins: ["*"]\n',
    ],
    [
      'an id added below a dash that stands alone',
      text('id', 'a'),
      `rules:\n  -\n    ${acceptance}\n    allowedOrigins: ["*"]\n`,
      `rules:\n  -\n    id: a\n    ${acceptance}\n    allowedOrigins: ["*"]\n`,
    ],
    [
      'a rule moved whose dash stands alone',
      { kind: 'move', rule: 1, to: 0 },
      'rules:\n  - id: a\n  - # second\n    # why\n    id: b\n',
      'rules:\n  - # second\n    # why\n    id: b\n  - id: a\n',
    ],
    [
      'a field in braces removed with its lines',
      text('maxAgeSeconds', ''),
      'rules:\n  - {\n    allowedOrigins: ["*"], # all\n    maxAgeSeconds: 60, # a minute\n    # why\n    allowedMethods: [GET]}\n',
      'rules:\n  - {\n    allowedOrigins: ["*"], # all\n    # why\n    allowedMethods: [GET]}\n',
    ],
    [
      'the last field in braces removed with its lines',
      text('maxAgeSeconds', ''),
      'rules:\n  - {allowedOrigins: ["*"], # all\n    maxAgeSeconds: 60 # a minute\n    }\n',
      'rules:\n  - {allowedOrigins: ["*"], # all\n    }\n',
    ],
    [
      'every origin removed, with the comments of the origins',
      list('allowedOrigins'),
      'rules:\n  - allowedOrigins: # ours\n      # production\n      - https://a.example # a\n      - https://b.example # b\n    id: a\n',
      'rules:\n  - allowedOrigins: [] # ours\n    id: a\n',
    ],
    [
      'the only rule removed, with its comments',
      { kind: 'remove', rule: 0 },
      'rules: # ours\n  # The shop.\n  - id: a\n    maxAgeSeconds: 60 # a minute\nmode: report\n',
      'rules: [] # ours\nmode: report\n',
    ],
    [
      'the first rule removed below an acceptance for the file',
      { kind: 'remove', rule: 0 },
      `rules:\n${acceptance}\n  # The shop.\n  - id: a\n  - id: b\n`,
      `rules:\n${acceptance}\n  - id: b\n`,
    ],
  ])('%s', (_what, edit, before, after) => {
    expect(editRule(before, 'yaml', edit)).toBe(after)
    const windows = (lines: string): string => lines.replaceAll('\n', '\r\n')
    expect(editRule(windows(before), 'yaml', edit)).toBe(windows(after))
  })

  const header = `# yaml-language-server: $schema=schema/rule-file.json\n${acceptance}\n# Owner: web team\n`
  test.each([
    ['that start the file', header],
    ['that start the file, after ---', `---\n${header}`],
    ['that start the file, after a byte order mark', `\uFEFF${header}`],
    ['that start the file, and an acceptance', `# Owner: web team\n\n${acceptance}\n`],
  ])('in a file that is a bare list the comments %s stay there', (_what, top) => {
    const [shop, readers] = ['- id: shop\n', '# Everyone.\n- id: readers\n']
    const before = top + shop + readers
    expect(editRule(before, 'yaml', { kind: 'move', rule: 0, to: 1 })).toBe(top + readers + shop)
    expect(editRule(before, 'yaml', { kind: 'move', rule: 1, to: 0 })).toBe(top + readers + shop)
    expect(editRule(before, 'yaml', { kind: 'remove', rule: 0 })).toBe(top + readers)
  })

  test('in a file that is a bare list a comment after an empty line moves with its rule', () => {
    const [top, shop, readers] = ['# Owner: web team\n\n', '# The shop.\n- id: shop\n', '- id: readers\n']
    expect(editRule(top + shop + readers, 'yaml', { kind: 'move', rule: 0, to: 1 })).toBe(
      top + readers + shop,
    )
    expect(editRule(top + shop + readers, 'yaml', { kind: 'remove', rule: 0 })).toBe(top + readers)
  })

  test('an acceptance goes only with all that it applies to', () => {
    const rules = `rules:\n  ${acceptance}\n  - id: a\n    allowedOrigins:\n      - "*" ${acceptance}\n      - https://a.example\n  - id: b\n`
    expect(editRule(rules, 'yaml', { kind: 'remove', rule: 0 })).toBe('rules:\n  - id: b\n')
    expect(editRule(rules, 'yaml', list('allowedOrigins', 'https://a.example'))).toBe(
      rules.replace(`      - "*" ${acceptance}\n`, ''),
    )
    const elements = xml
      .replace('The shop.', 'cors-sidecar: allow a because b')
      .replace('Previews come and go.', 'cors-sidecar: allow a because b')
    expect(editRule(elements, 'xml', { kind: 'remove', rule: 0 })).not.toContain('cors-sidecar')
    expect(editRule(elements, 'xml', list('allowedOrigins', 'https://a.example'))).toBeDefined()
  })
})

describe('an edit is refused if it would lose something', () => {
  test.each<[string, string, RuleEdit]>([
    [
      'a comment within brackets',
      'rules:\n  - allowedOrigins: [\n      "https://a.example", # why\n      "https://b.example"]\n    allowedMethods: [GET]\n',
      list('allowedOrigins', 'https://b.example'),
    ],
    [
      'an alias, whose value stands elsewhere',
      'rules:\n  - allowedOrigins: &o ["https://a.example"]\n    allowedMethods: [GET]\n  - allowedOrigins: *o\n    allowedMethods: [PUT]\n',
      { kind: 'list', rule: 1, field: 'allowedOrigins', values: [] },
    ],
    [
      'a comment between fields in braces that share a line with others',
      'rules:\n  - {id: a, # note\n    # why\n    allowedMethods: [GET]}\n',
      text('id', ''),
    ],
    [
      'a comment in an empty list',
      'rules:\n  - allowedMethods: [ # none yet\n    ]\n',
      list('allowedMethods', 'GET'),
    ],
    [
      'an acceptance for the rule, behind its first field',
      `rules:\n  - id: a ${acceptance}\n    allowedOrigins: ["*"]\n`,
      text('id', ''),
    ],
    [
      'an acceptance for the file, between two rules',
      `- id: a\n  allowedOrigins: ["*"]\n${acceptance}\n- id: b\n`,
      { kind: 'remove', rule: 1 },
    ],
    ['a text that is no YAML', 'rules: [', { kind: 'add' }],
    ['a rule that is not there', yaml, { kind: 'remove', rule: 7 }],
  ])('%s', (_what, before, edit) => {
    const after = editRule(before, 'yaml', edit)
    expect(after === undefined || after === before).toBe(true)
  })

  test('XML has no presets', () => {
    expect(editRule(xml, 'xml', text('preset', 'presigned-upload'))).toBeUndefined()
  })
})

test('typed text always becomes a single value', () => {
  const values = fc.array(
    fc.string({ minLength: 1, unit: 'binary' }).map((value) => value.toWellFormed()),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  fc.assert(
    fc.property(fc.constantFrom(yaml, json, xml), values, (before, typed) => {
      const format = before === yaml ? 'yaml' : before === json ? 'json' : 'xml'
      const after = editRule(before, format, {
        kind: 'list',
        rule: 0,
        field: 'allowedOrigins',
        values: typed,
      })
      if (after === undefined) return
      expect(readModel(after, format)?.rules[0]?.allowedOrigins).toEqual(typed)
      expect(readModel(after, format)?.others).toEqual(readModel(before, format)?.others)
    }),
    { numRuns: 100 },
  )
})

test.each([
  ['yaml', yaml],
  ['json', json],
  ['xml', xml],
] as const)('a byte order mark stays in %s', (format, text) => {
  const edit: RuleEdit = { kind: 'list', rule: 0, field: 'allowedMethods', values: ['GET', 'DELETE'] }
  expect(editRule(`\uFEFF${text}`, format, edit)).toBe(`\uFEFF${editRule(text, format, edit)}`)
})
