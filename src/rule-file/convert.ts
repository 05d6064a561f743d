import { Document, isMap, isScalar, isSeq, stringify, visit, type YAMLMap } from 'yaml'
import { presetOf } from '../cors/presets.ts'
import { type CorsRule, type DialectName, isAllowable, type RuleFile, type RuleTest } from '../cors/rule.ts'
import type { XmlLayout } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/named.ts'
import { visibleJson } from '../text/visible.ts'
import type { FileFormat } from './names.ts'
import { corsConfiguration } from './print-xml.ts'

interface Converted {
  readonly text: string
  /** What the target format cannot express, one sentence each. */
  readonly lost: readonly string[]
  /** Why the vendor would not store the result; `undefined` when it would. */
  readonly refusal: string | undefined
}

/**
 * Converts `file`: to YAML in our own format, to JSON as in the AWS CLI and SDKs, or to XML as `dialect` stores it.
 * Parsing the result gives the same file, except for what is `lost`.
 */
export function convert(file: RuleFile, to: FileFormat, dialect: DialectName): Converted {
  switch (to) {
    case 'yaml':
      return { text: toYaml(file), lost: [], refusal: undefined }
    case 'json':
      return {
        text: `${visibleJson(JSON.stringify(toAws(file), null, 2))}\n`,
        lost: awsRefuses(file),
        refusal: undefined,
      }
    case 'xml': {
      const layout = dialectNamed(dialect).bucketCors?.layout
      if (layout === undefined)
        return {
          text: '',
          lost: [],
          refusal: `dialect ${dialect} has no XML form: choose a vendor's, for example --dialect s3`,
        }
      const text = withFinalNewline(corsConfiguration(layout, file, '  '))
      return { text, lost: lostInXml(file, dialect, layout), refusal: refusalOf(file, text, dialect) }
    }
  }
}

const withFinalNewline = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`)

/** Names of the file-level fields that differ from their defaults. */
function ownFields(file: RuleFile): string[] {
  const fields: readonly (readonly [string, boolean])[] = [
    ['dialect', file.dialect !== undefined],
    ['vary', file.vary !== 'auto'],
    ['mode', file.mode !== 'enforce'],
    ['hosts', file.hosts.length > 0],
    ['resourcePolicy', file.resourcePolicy !== undefined],
    ['storedBy', file.storedBy !== undefined],
    ['tests', file.tests.length > 0],
  ]
  return fields.filter(([, isSet]) => isSet).map(([name]) => name)
}

function lostInXml(file: RuleFile, dialect: DialectName, layout: XmlLayout): string[] {
  const fields = [
    ...ownFields(file),
    ...(file.responseVary && layout.responseVary === 'never' ? ['responseVary'] : []),
  ]
  return [
    ...fields.map((name) => `${name} is left out: a CORSConfiguration of ${dialect} has no such field`),
    ...file.rules.flatMap(({ allowCredentials }, index) =>
      allowCredentials === undefined
        ? []
        : [
            `rule ${index + 1}: allowCredentials is left out: a CORSConfiguration of ${dialect} has no such field`,
          ],
    ),
    ...file.rules.flatMap(({ preset }, index) =>
      preset === undefined
        ? []
        : [`rule ${index + 1}: preset ${preset} is replaced by the fields it stands for`],
    ),
  ]
}

function refusalOf(file: RuleFile, text: string, dialect: DialectName): string | undefined {
  const { matching } = dialectNamed(dialect)
  const method = file.rules
    .flatMap(({ allowedMethods }) => allowedMethods)
    .find((name) => !isAllowable(name, matching))
  if (method !== undefined) return `${dialect} stores no rule with the method ${method}: remove it`
  const { rules, bytes } = dialectNamed(dialect).limits
  const size = Buffer.byteLength(text)
  if (file.rules.length === 0)
    return "a CORSConfiguration needs at least one rule: to remove them all, delete the bucket's CORS configuration"
  if (file.rules.length > rules)
    return `${dialect} stores at most ${rules} rules, this file has ${file.rules.length}`
  return size > bytes ? `${dialect} stores at most ${bytes} bytes, this XML has ${size}` : undefined
}

/** JSON loses nothing, but other tools do not know our own fields. */
function awsRefuses(file: RuleFile): string[] {
  const names = [
    ...ownFields(file),
    ...(file.responseVary ? ['ResponseVary'] : []),
    ...(file.rules.some(({ preset }) => preset !== undefined) ? ['preset'] : []),
    ...(file.rules.some(({ allowCredentials }) => allowCredentials !== undefined)
      ? ['allowCredentials']
      : []),
  ]
  return names.map(
    (name) => `${name} is read by cors-sidecar only: remove it before giving the file to the AWS CLI`,
  )
}

type Plain = Readonly<Record<string, unknown>>

function toAws(file: RuleFile): Plain {
  return {
    CORSRules: file.rules.map((rule) => ({
      ...optional('ID', rule.id),
      ...optional('preset', rule.preset),
      AllowedOrigins: rule.allowedOrigins,
      AllowedMethods: rule.allowedMethods,
      ...unlessDefault('AllowedHeaders', rule.allowedHeaders, rule),
      ...unlessDefault('ExposeHeaders', rule.exposeHeaders, rule),
      ...optional('MaxAgeSeconds', rule.maxAgeSeconds),
      ...optional('allowCredentials', rule.allowCredentials),
    })),
    ...(file.responseVary ? { ResponseVary: true } : {}),
    ...settingsOf(file),
  }
}

const optional = (name: string, value: unknown): Plain => (value === undefined ? {} : { [name]: value })

/** An empty list has a meaning only if it overrides a preset. */
const unlessDefault = (name: string, values: readonly string[], { preset }: CorsRule): Plain =>
  values.length === 0 && preset === undefined ? {} : { [name]: values }

function settingsOf(file: RuleFile): Plain {
  return {
    ...optional('dialect', file.dialect),
    ...(file.vary === 'auto' ? {} : { vary: file.vary }),
    ...(file.mode === 'enforce' ? {} : { mode: file.mode }),
    ...(file.hosts.length === 0 ? {} : { hosts: file.hosts }),
    ...optional('resourcePolicy', file.resourcePolicy),
    ...optional('storedBy', file.storedBy),
    ...(file.tests.length === 0 ? {} : { tests: file.tests.map(plainTest) }),
  }
}

function plainTest({ origin, method, headers, expect, actual }: RuleTest): Plain {
  return {
    origin,
    method,
    ...(headers.length === 0 ? {} : { headers }),
    expect,
    ...(actual ? { actual } : {}),
  }
}

function toYaml(file: RuleFile): string {
  const document = new Document({
    rules: file.rules.map(ownRule),
    ...(file.responseVary ? { responseVary: true } : {}),
    ...settingsOf(file),
  })
  visit(document, {
    Scalar: (place, scalar) => {
      if (place !== 'key' && typeof scalar.value === 'string' && !isPlainText(scalar.value))
        scalar.type = 'QUOTE_DOUBLE'
    },
    Map: (_, map, parents) => layOut(map, parents.length > 1 ? 4 : 0),
  })
  return visibleJson(document.toString(layout))
}

const layout = { lineWidth: 0, flowCollectionPadding: false, doubleQuotedAsJSON: true } as const

const mostColumns = 100

/** Writes lists that fit on one line, and the items of others, in flow style. */
function layOut(map: YAMLMap, indent: number): void {
  for (const { key, value } of map.items) {
    if (!isSeq(value) || !isScalar(key) || key.value === 'rules') continue
    value.flow = true
    const line = `${key.value}: ${stringify(value, layout).trimEnd()}`
    value.flow = key.value !== 'tests' && indent + line.length <= mostColumns
    for (const item of value.items) if (isMap(item)) item.flow = true
  }
}

function ownRule(rule: CorsRule): Plain {
  const filled = rule.preset === undefined ? undefined : presetOf(rule.preset)
  return {
    ...optional('id', rule.id),
    ...optional('preset', rule.preset),
    allowedOrigins: rule.allowedOrigins,
    ...(isSame(rule.allowedMethods, filled?.allowedMethods) ? {} : { allowedMethods: rule.allowedMethods }),
    ...(isSame(rule.allowedHeaders, filled?.allowedHeaders ?? [])
      ? {}
      : { allowedHeaders: rule.allowedHeaders }),
    ...(isSame(rule.exposeHeaders, filled?.exposeHeaders ?? []) ? {} : { exposeHeaders: rule.exposeHeaders }),
    ...(rule.maxAgeSeconds === filled?.maxAgeSeconds ? {} : optional('maxAgeSeconds', rule.maxAgeSeconds)),
    ...optional('allowCredentials', rule.allowCredentials),
  }
}

const isSame = (values: readonly string[], others: readonly string[] | undefined): boolean =>
  others !== undefined &&
  values.length === others.length &&
  values.every((value, index) => value === others[index])

/** Whether every YAML reader, 1.1 included, reads `text` as a string when it is not quoted. */
const isPlainText = (text: string): boolean =>
  /^[A-Za-z][A-Za-z0-9-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
