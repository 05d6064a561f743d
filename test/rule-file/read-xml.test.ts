import { XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { readRules } from '../../src/rule-file/read.ts'
import { ownText, readXmlDocument } from '../../src/rule-file/xml-document.ts'

const read = (text: string) => readRules('a.xml', new TextEncoder().encode(text), 'cos')

const wrap = (inner: string): string =>
  `<CORSConfiguration>\n <CORSRule>\n  <AllowedOrigin>https://a.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod>${inner}\n </CORSRule>\n</CORSConfiguration>\n`

describe('XML that is refused', () => {
  test.each<[string, string, string]>([
    ['an attribute', wrap('<ExposeHeader a="b">ETag</ExposeHeader>'), '3:95 xml-attribute'],
    ['an attribute twice', '<CORSConfiguration xmlns="a" xmlns="b"/>', '1:39 xml-syntax'],
    ['a processing instruction', '<?php x ?><CORSConfiguration/>', '1:1 xml-processing-instruction'],
    ['a declaration after a space', ' <?xml version="1.0"?><CORSConfiguration/>', '1:2 xml-syntax'],
    ['a broken declaration', '<?xml vrsion="1.0"?><CORSConfiguration/>', '1:7 xml-syntax'],
    ['another root', '<Foo/>', '1:1 xml-wrong-root'],
    ['the root in lower case', '<corsconfiguration/>', '1:1 xml-wrong-root'],
    ['text between elements', wrap('stray'), '3:81 xml-mixed-content'],
    ['CDATA between elements', wrap('<![CDATA[stray]]>'), '3:90 xml-mixed-content'],
    ['an empty origin', wrap('<AllowedOrigin/>'), '3:81 origin-empty'],
    ['an empty exposed header', wrap('<ExposeHeader></ExposeHeader>'), '3:81 header-invalid-name'],
    [
      'a line break by reference',
      wrap('<ExposeHeader>ETag&#x0a;Set-Cookie: a=b</ExposeHeader>'),
      '3:95 header-invalid-name',
    ],
    [
      'a line break by reference at the end',
      wrap('<ExposeHeader>ETag&#10;</ExposeHeader>'),
      '3:95 header-invalid-name',
    ],
    [
      'a carriage return by reference',
      wrap('<ExposeHeader>ETag&#13;X</ExposeHeader>'),
      '3:95 header-invalid-name',
    ],
    ['a carriage return', wrap('<ExposeHeader>ETag\rX: y</ExposeHeader>'), '3:95 header-invalid-name'],
    ['a space in CDATA', wrap('<ExposeHeader><![CDATA[ ETag]]></ExposeHeader>'), '3:104 header-invalid-name'],
    [
      'a no-break space around a value',
      wrap('<AllowedOrigin>\u00a0https://b.com</AllowedOrigin>'),
      '3:96 origin-not-ascii',
    ],
    ['an unknown element', wrap('<Foo>1</Foo>'), '3:81 unknown-key'],
    ['a rule in a rule', wrap('<CORSRule/>'), '3:81 unknown-key'],
    [
      'no method',
      '<CORSConfiguration>\n <CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>\n</CORSConfiguration>',
      '2:2 missing-key',
    ],
    ['no rules', '<CORSConfiguration/>\n', '1:1 no-rules'],
    ['no rules between two tags', '<CORSConfiguration></CORSConfiguration>\n', '1:1 no-rules'],
    ['a lone ampersand', wrap('<ID>a&b</ID>'), '3:86 xml-syntax'],
    ['an HTML entity', wrap('<ID>&nbsp;</ID>'), '3:85 xml-syntax'],
    ['NUL by reference', wrap('<ID>&#0;</ID>'), '3:85 xml-syntax'],
    ['a surrogate by reference', wrap('<ID>&#xd800;</ID>'), '3:85 xml-syntax'],
    ['a reference beyond Unicode', wrap('<ID>&#x110000;</ID>'), '3:85 xml-syntax'],
    ['two ids', wrap('<ID>a</ID><ID>b</ID>'), '3:91 duplicate-key'],
    ['negative seconds', wrap('<MaxAgeSeconds>-1</MaxAgeSeconds>'), '3:96 maxage-out-of-range'],
    ['no seconds', wrap('<MaxAgeSeconds/>'), '3:81 wrong-type'],
    [
      'another word for true',
      wrap('').replace('</CORSConfiguration>', '<ResponseVary>1</ResponseVary></CORSConfiguration>'),
      '5:15 wrong-type',
    ],
    ['text around the root', `${wrap('')}junk`, '6:1 xml-syntax'],
    ['CDATA after the root', `${wrap('')}<![CDATA[x]]>`, '6:1 xml-syntax'],
    ['no XML', 'hello', '1:1 xml-syntax'],
    ['only a comment', '<!-- x -->', '1:11 xml-syntax'],
    ['two dashes in a comment', '<!-- a -- b --><CORSConfiguration/>', '1:8 xml-syntax'],
    ['an end of CDATA in text', wrap('<ID>a]]>b</ID>'), '3:86 xml-syntax'],
    ['an end tag that closes nothing', '</CORSConfiguration>', '1:1 xml-syntax'],
    ['an entity declaration', '<!ENTITY a "b"><CORSConfiguration/>', '1:1 xml-doctype'],
  ])('%s', (_, text, first) => {
    const { content, findings } = read(text)
    expect(content).toBeUndefined()
    const errors = findings.filter(({ severity }) => severity === 'error')
    expect(errors.map(({ line, column, code }) => `${line}:${column} ${code}`)).toContain(first)
  })
})

describe('XML that is read', () => {
  test('the configuration of COS, with ResponseVary', () => {
    const text = `<?xml version='1.0' encoding='utf-8' ?>
<CORSConfiguration>
	<CORSRule>
		<ID>a &amp; b</ID>
		<AllowedOrigin>https://example.com</AllowedOrigin>
		<AllowedOrigin>https://*.example.org</AllowedOrigin>
		<AllowedMethod>GET</AllowedMethod>
		<AllowedMethod>HEAD</AllowedMethod>
		<AllowedHeader>*</AllowedHeader>
		<ExposeHeader>ETag</ExposeHeader>
		<MaxAgeSeconds>600</MaxAgeSeconds>
	</CORSRule>
	<ResponseVary>true</ResponseVary>
</CORSConfiguration>`
    expect(read(text)).toMatchObject({
      findings: [],
      content: {
        rules: [
          {
            id: 'a & b',
            allowedOrigins: ['https://example.com', 'https://*.example.org'],
            allowedMethods: ['GET', 'HEAD'],
            allowedHeaders: ['*'],
            exposeHeaders: ['ETag'],
            maxAgeSeconds: 600,
          },
        ],
        responseVary: true,
      },
    })
  })

  test.each<[string, string]>([
    [
      'a default namespace',
      wrap('').replace(
        '<CORSConfiguration>',
        '<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
      ),
    ],
    ['unused namespaces', wrap('').replace('<CORSConfiguration>', "<CORSConfiguration xmlns:xsi='x' >")],
    ['comments between elements', wrap('<!-- one --> <!---->')],
    ['no declaration, on one line', wrap('').replaceAll('\n', '')],
    ['references', wrap('').replace('https://a.com', 'https:&#47;&#x2f;a.com')],
    ['CDATA beside text', wrap('').replace('https://a.com', 'https://<![CDATA[a]]>.com')],
  ])('%s', (_, text) => {
    expect(read(text).content?.rules).toMatchObject([
      { allowedOrigins: ['https://a.com'], allowedMethods: ['GET'] },
    ])
    expect(XMLValidator.validate(text)).toBe(true)
  })
})

describe('the position of a value', () => {
  test.each(['\n', '\r\n'])('between line breaks %j is that of its first character', (lineBreak) => {
    const text = wrap('<AllowedOrigin>\n\n   https://a.com/x\n  </AllowedOrigin>').replaceAll('\n', lineBreak)
    const places = read(text).findings.map(({ line, column, code }) => `${line}:${column} ${code}`)
    expect(places).toContain('5:4 origin-has-path')
  })

  test.each<[string, string, string]>([
    ['alone', '', ''],
    ['between spaces', '  ', ' \t'],
    ['between LF', '\n\n  ', '\n'],
    ['between CRLF', '\r\n\r\n  ', '\r\n\r\n'],
    ['between CR', '\r\r', '\r '],
    ['between comments', '\r\n<!-- a -->\r\n ', '\r\n<!-- b -->\r\n'],
  ])('%s is that of its text', (_, before, after) => {
    for (const value of ['a', 'a\r\nb', '&#10;a&#10;', 'é😀']) {
      const source = `<a>${before}${value}${after}</a>`
      const { root } = readXmlDocument(source)
      if (root === undefined) throw new Error('not read')
      const { text, span } = ownText(root, source)
      expect(source.slice(span?.offset, span?.end)).toBe(value)
      expect(text).toBe(value.replaceAll('\r\n', '\n').replaceAll('&#10;', '\n'))
    }
  })
})
