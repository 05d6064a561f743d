import type { CorsRule, DialectName, RuleFile } from '../cors/rule.ts'
import { escapeXml } from '../dialect/xml.ts'

/** An element: a leaf with text, or a container. */
type Element = readonly [name: string, content: string | readonly Element[]]

/** How a vendor lays a document out. */
interface Layout {
  readonly declaration: string
  readonly attributes: string
  /** One level of indentation; empty: everything on one line. */
  readonly indent: string
}

const layouts: Readonly<Record<DialectName, Layout>> = {
  // GET Bucket cors (436/8274), sample response.
  cos: { declaration: "<?xml version='1.0' encoding='utf-8' ?>\n", attributes: '', indent: '\t' },
  // GetBucketCors, sample response.
  oss: { declaration: '<?xml version="1.0" encoding="UTF-8"?>\n', attributes: '', indent: '  ' },
  s3: {
    declaration: '<?xml version="1.0" encoding="UTF-8"?>\n',
    attributes: ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"',
    indent: '',
  },
}

/**
 * The rules of `file` as the CORSConfiguration document of a vendor. Leaf elements hold nothing but their value: the
 * COS SDK does not trim it. `indent` is for people, where the vendor writes everything on one line.
 */
export function corsConfiguration(dialect: DialectName, file: RuleFile, indent = ''): string {
  const vendor = layouts[dialect]
  const layout = vendor.indent === '' ? { ...vendor, indent } : vendor
  const elements: Element[] = file.rules.map((rule) => ['CORSRule', ruleElements(rule)])
  elements.push(...responseVary(dialect, file.responseVary))
  const name = 'CORSConfiguration'
  const content = writeAll(elements, layout.indent, layout.indent)
  const open = `${layout.declaration}<${name}${layout.attributes}>`
  return layout.indent === '' ? `${open}${content}</${name}>` : `${open}\n${content}</${name}>\n`
}

/** The order of COS, which names it; OSS and S3 do not depend on one. */
function ruleElements(rule: CorsRule): Element[] {
  const each = (name: string, values: readonly string[]): Element[] => values.map((value) => [name, value])
  return [
    ...each('ID', rule.id === undefined ? [] : [rule.id]),
    ...each('AllowedOrigin', rule.allowedOrigins),
    ...each('AllowedMethod', rule.allowedMethods),
    ...each('AllowedHeader', rule.allowedHeaders),
    ...each('ExposeHeader', rule.exposeHeaders),
    ...each('MaxAgeSeconds', rule.maxAgeSeconds === undefined ? [] : [String(rule.maxAgeSeconds)]),
  ]
}

/** OSS shows it always, COS when it is set; S3 has no such element. */
function responseVary(dialect: DialectName, value: boolean): Element[] {
  const shown = dialect === 'oss' || (dialect === 'cos' && value)
  return shown ? [['ResponseVary', String(value)]] : []
}

function writeAll(elements: readonly Element[], indent: string, level: string): string {
  const end = indent === '' ? '' : '\n'
  return elements
    .map(([name, content]) =>
      typeof content === 'string'
        ? `${level}<${name}>${escapeXml(content)}</${name}>${end}`
        : `${level}<${name}>${end}${writeAll(content, indent, level + indent)}${level}</${name}>${end}`,
    )
    .join('')
}
