import * as z from 'zod'
import { corsMethods } from '../cors/rule.ts'
import { rule, settings } from './parse.ts'
import { ruleFields, type Style, styles } from './spelling.ts'

/** The JSON Schema (2020-12) of a rule file, in every format that is read from YAML and JSON. */
export function ruleFileSchema(): Readonly<Record<string, unknown>> {
  const anyRule = z.union(styles.map(ruleIn))
  const rules = z
    .array(anyRule)
    // No vendor stores more than 100 rules.
    .meta({ description: 'The first matching rule decides.', maxItems: 100 })
  const common = { $schema: z.string().optional(), ...settings }
  const spelled = z.union([
    z.strictObject({ rules, ...common }).meta(unlessHttp('rules')),
    z
      .strictObject({ CORSRules: rules, ResponseVary: settings.responseVary, ...common })
      .meta(unlessHttp('CORSRules')),
    rules.meta({ allOf: [vendorRules] }),
  ])
  return { title: 'cors-sidecar rule file', ...z.toJSONSchema(spelled, { reused: 'ref' }) }
}

/** Rules as COS, OSS and S3 store them. */
const vendorRules = {
  items: {
    properties: {
      ...Object.fromEntries(
        ruleFields.allowedMethods.map((name) => [
          name,
          { anyOf: [{ enum: corsMethods }, { type: 'array', items: { enum: corsMethods } }] },
        ]),
      ),
      allowCredentials: false,
    },
  },
}

/** Other methods only in files that name the dialect themselves: editors do not know the server's `--dialect`. */
const unlessHttp = (rulesKey: string): Readonly<Record<string, unknown>> => ({
  if: { properties: { dialect: { const: 'http' } }, required: ['dialect'] },
  else: { properties: { [rulesKey]: vendorRules } },
})

/** The schema of one rule in one format. */
function ruleIn(style: Style): z.ZodType {
  const index = styles.indexOf(style)
  const oneOrMore = (list: z.ZodArray): z.ZodType =>
    style === 'xml' || style === 'ali-oss' ? z.union([list.element, list]) : list
  const { shape } = rule
  return z
    .strictObject({
      [ruleFields.id[index] ?? 'id']: shape.id,
      preset: shape.preset,
      [ruleFields.allowedOrigins[index] ?? '']: oneOrMore(shape.allowedOrigins),
      [ruleFields.allowedMethods[index] ?? '']: oneOrMore(shape.allowedMethods.unwrap()).optional(),
      [ruleFields.allowedHeaders[index] ?? '']: oneOrMore(shape.allowedHeaders.unwrap()).optional(),
      [ruleFields.exposeHeaders[index] ?? '']: oneOrMore(shape.exposeHeaders.unwrap()).optional(),
      [ruleFields.maxAgeSeconds[index] ?? '']: shape.maxAgeSeconds,
      allowCredentials: shape.allowCredentials,
    })
    .meta({ anyOf: [{ required: [ruleFields.allowedMethods[index]] }, { required: ['preset'] }] })
}
