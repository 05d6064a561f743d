/**
 * How the fields of a rule file are spelled: ours first, then AWS (CLI, SDKs, console), the COS SDK and XML of all
 * three vendors, ali-oss. The position in a list is the style, so that one style can be described by itself.
 */
export const styles = ['ours', 'aws', 'xml', 'ali-oss'] as const
export type Style = (typeof styles)[number]

export const ruleFields = {
  id: ['id', 'ID', 'ID', 'iD'],
  preset: ['preset', 'preset', 'preset', 'preset'],
  allowedOrigins: ['allowedOrigins', 'AllowedOrigins', 'AllowedOrigin', 'allowedOrigin'],
  allowedMethods: ['allowedMethods', 'AllowedMethods', 'AllowedMethod', 'allowedMethod'],
  allowedHeaders: ['allowedHeaders', 'AllowedHeaders', 'AllowedHeader', 'allowedHeader'],
  exposeHeaders: ['exposeHeaders', 'ExposeHeaders', 'ExposeHeader', 'exposeHeader'],
  maxAgeSeconds: ['maxAgeSeconds', 'MaxAgeSeconds', 'MaxAgeSeconds', 'maxAgeSeconds'],
  allowCredentials: ['allowCredentials', 'allowCredentials', 'allowCredentials', 'allowCredentials'],
} as const

export const fileFields = {
  rules: ['rules', 'CORSRules', 'CORSRule', 'rules'],
  dialect: ['dialect', 'dialect', 'dialect', 'dialect'],
  vary: ['vary', 'vary', 'vary', 'vary'],
  responseVary: ['responseVary', 'ResponseVary', 'ResponseVary', 'responseVary'],
  mode: ['mode', 'mode', 'mode', 'mode'],
  hosts: ['hosts', 'hosts', 'hosts', 'hosts'],
  resourcePolicy: ['resourcePolicy', 'resourcePolicy', 'resourcePolicy', 'resourcePolicy'],
  storedBy: ['storedBy', 'storedBy', 'storedBy', 'storedBy'],
  tests: ['tests', 'tests', 'tests', 'tests'],
} as const

export const testFields = {
  origin: ['origin'],
  method: ['method'],
  headers: ['headers'],
  expect: ['expect'],
  actual: ['actual'],
} as const

/** Field names of one level, each with its spellings. */
export type Fields = Readonly<Record<string, readonly string[]>>

const indexes = new Map<Fields, ReadonlyMap<string, string>>(
  [fileFields, ruleFields, testFields].map((fields: Fields) => [
    fields,
    new Map(Object.entries(fields).flatMap(([field, names]) => names.map((name) => [name, field]))),
  ]),
)

/** The field that `key` spells, `undefined` when none. `fields` is one of the tables of this file. */
export const fieldOf = (fields: Fields, key: string): string | undefined => indexes.get(fields)?.get(key)

/** Whether `key` is a list's name in the singular, beside which vendors also write one value without a list. */
export const isSingular = (key: string): boolean =>
  /^(?:[Aa]llowed(?:Origin|Method|Header)|[Ee]xposeHeader)$/.test(key)
