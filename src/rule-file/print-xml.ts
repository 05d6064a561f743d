import type { CorsRule, RuleFile } from '../cors/rule.ts'
import type { XmlLayout } from '../dialect/dialect.ts'
import { escapeXml } from '../dialect/xml.ts'

/** A leaf with text, or a container. */
type Element = readonly [name: string, content: string | readonly Element[]]

/**
 * The rules of `file` as a vendor's CORSConfiguration document. Leaf elements contain only their value, because the
 * COS SDK does not trim whitespace. `indent` makes the document readable where the vendor writes it on one line.
 */
export function corsConfiguration(vendor: XmlLayout, file: RuleFile, indent = ''): string {
  const layout = vendor.indent === '' ? { ...vendor, indent } : vendor
  const elements: Element[] = file.rules.map((rule) => ['CORSRule', ruleElements(rule)])
  elements.push(...responseVary(layout, file.responseVary))
  const name = 'CORSConfiguration'
  const content = writeAll(elements, layout.indent, layout.indent)
  const open = `${layout.declaration}<${name}${layout.attributes}>`
  return layout.indent === '' ? `${open}${content}</${name}>` : `${open}\n${content}</${name}>\n`
}

/** The order that COS documents; OSS and S3 do not depend on one. */
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

function responseVary({ responseVary: shown }: XmlLayout, value: boolean): Element[] {
  return shown === 'always' || (shown === 'when-set' && value) ? [['ResponseVary', String(value)]] : []
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
