/**
 * Field names of a rule file in each format: our own; AWS (CLI, SDKs, console); COS SDK and the XML of all vendors;
 * ali-oss. The index in each list is the format, so that the schema can describe one format alone.
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

/** The fields of one level, with their names in each format. */
export type Fields = Readonly<Record<string, readonly string[]>>

const indexes = new Map<Fields, ReadonlyMap<string, string>>(
  [fileFields, ruleFields, testFields].map((fields: Fields) => [
    fields,
    new Map(Object.entries(fields).flatMap(([field, names]) => names.map((name) => [name, field]))),
  ]),
)

/** The field that `key` names; `undefined` when it names none. `fields` is a table of this file. */
export const fieldOf = (fields: Fields, key: string): string | undefined => indexes.get(fields)?.get(key)

/** Whether `key` is the singular name of a list, under which vendors also write a single value. */
export const isSingular = (key: string): boolean =>
  /^(?:[Aa]llowed(?:Origin|Method|Header)|[Ee]xposeHeader)$/.test(key)
