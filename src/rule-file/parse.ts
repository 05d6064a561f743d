/**
 * Defines the structure of a rule file once, for types, validation and the JSON Schema of editors
 * (`editor-schema.ts`). Takes a document that already has our field names; `read.ts` and `document.ts` handle bytes and
 * vendor formats.
 */

import * as z from 'zod'
import { presetAliases, presetNames, presetOf } from '../cors/presets.ts'
import { type CorsRule, corsMethods, type RuleFile, type RuleTest, resourcePolicies } from '../cors/rule.ts'
import { dialectNames } from '../dialect/named.ts'
import { quoted } from '../text/visible.ts'
import {
  allowedHeaderPattern,
  exposeHeaderPattern,
  hostPattern,
  idPattern,
  methodPattern,
  originPattern,
} from './editor-patterns.ts'
import {
  allowedHeaderProblem,
  type EntryProblem,
  exposeHeaderProblem,
  hostProblem,
  idProblem,
} from './entry.ts'
import { type Issue, issue, type Remedy, type ValuePath } from './issue.ts'
import { type FindingCode, isCode } from './lint/codes.ts'
import { originProblem } from './origin-entry.ts'
import { type Accepted, neverSent, valueIssues, vendorValues } from './vendor-values.ts'

const checked = (problemOf: (value: string) => EntryProblem | undefined): z.ZodString =>
  z.string().check((context) => {
    const problem = problemOf(context.value)
    if (problem === undefined) return
    const { code, message } = problem
    context.issues.push({ code: 'custom', input: context.value, message, params: { code } })
  })

const origins = z
  .array(
    checked((entry) => (neverSent(entry).length > 0 ? undefined : originProblem(entry))).meta({
      examples: ['https://example.com', 'https://*.example.com', '*'],
      pattern: originPattern,
    }),
  )
  .min(1)
  .meta({ description: 'Allowed origins: scheme, host and port, with at most one * in each.' })
const methods = z
  // Which methods are allowed depends on the dialect.
  .array(z.string().meta({ pattern: methodPattern, examples: [...corsMethods] }))
  .min(1)
  .meta({ description: 'Allowed methods. HEAD is not implied by GET.' })
const allowedHeaders = z
  .array(checked(allowedHeaderProblem).meta({ pattern: allowedHeaderPattern }))
  .meta({ description: 'Request headers that a page may send, with at most one * in each.' })
const exposeHeaders = z
  .array(checked(exposeHeaderProblem).meta({ pattern: exposeHeaderPattern }))
  .meta({ description: 'Response headers that a page may read, e.g. ETag.' })
const maxAge = z
  .union([
    z.number().multipleOf(1).meta({ type: 'integer', minimum: 0 }),
    z
      .string()
      .regex(/^-?[0-9]+$/)
      .meta({ pattern: '^[0-9]+$' }),
  ])
  .meta({ description: 'How long a browser may cache the preflight response, in seconds.' })

const allowCredentials = z
  .boolean()
  .meta({ description: 'Dialect http only: whether the origins that the rule names may send cookies.' })

export const rule = z
  .strictObject({
    id: checked(idProblem)
      .meta({ maxLength: 255, pattern: idPattern, description: 'Name of the rule in logs and metrics.' })
      .optional(),
    preset: checked(presetProblem)
      .meta({
        enum: [...presetNames, ...Object.keys(presetAliases)],
        description: 'Fills in every field that the rule does not set.',
      })
      .optional(),
    allowedOrigins: origins,
    allowedMethods: methods.optional(),
    allowedHeaders: allowedHeaders.optional(),
    exposeHeaders: exposeHeaders.optional(),
    maxAgeSeconds: maxAge.optional(),
    allowCredentials: allowCredentials.optional(),
  })
  .refine((value) => value.allowedMethods !== undefined || value.preset !== undefined, {
    path: ['allowedMethods'],
    // Reports this together with the other mistakes of the rule, not only after they are fixed.
    when: ({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value),
  })

const test = z.strictObject({
  origin: z.string(),
  method: z.string(),
  headers: z.array(z.string()).optional(),
  expect: z.enum(['allow', 'deny']),
  actual: z.boolean().meta({ description: 'true: the actual request, not its preflight.' }).optional(),
})

export const settings = {
  dialect: z
    .enum(dialectNames)
    .meta({ description: 'Vendor whose responses are copied. Default: --dialect.' })
    .optional(),
  vary: z
    .enum(['auto', 'dialect'])
    .meta({
      description:
        'auto: send Vary: Origin whenever the response depends on it. dialect: as the vendor does.',
    })
    .optional(),
  responseVary: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
  mode: z
    .enum(['enforce', 'report'])
    .meta({ description: 'report: decide and count, but leave requests and responses alone.' })
    .optional(),
  hosts: z
    .array(checked((host) => hostProblem(host.toLowerCase())).meta({ pattern: hostPattern }))
    .meta({ description: 'Custom domains of this bucket.' })
    .optional(),
  resourcePolicy: z
    .enum(resourcePolicies)
    .meta({ description: 'Cross-Origin-Resource-Policy of responses, for pages under COEP.' })
    .optional(),
  storedBy: z
    .enum(['api'])
    .meta({ description: 'Set by PUT ?cors: accepts values that the vendor stores but no browser sends.' })
    .optional(),
  tests: z.array(test).meta({ description: 'Tests that must pass before the file is loaded.' }).optional(),
}

const file = z.strictObject({ rules: z.array(rule), ...settings })

type RuleInput = z.infer<typeof rule>
type FileInput = z.infer<typeof file>

interface Parsed {
  readonly content: RuleFile | undefined
  readonly issues: readonly Issue[]
}

/**
 * Reads `document`, which has our field names, as a rule file. `nameOf` returns the name that the file uses, for
 * messages.
 */
export function parseRuleFile(
  document: unknown,
  nameOf: (field: string) => string = (field) => field,
  accepted: Accepted = vendorValues,
): Parsed {
  const values = valueIssues(document, accepted)
  const hasErrors = values.some(({ severity }) => severity === 'error')
  const result = file.safeParse(document)
  if (result.success) return { content: hasErrors ? undefined : toRuleFile(result.data), issues: values }
  return {
    content: undefined,
    issues: [...result.error.issues.flatMap((issue) => issuesOf(issue, document, nameOf)), ...values],
  }
}

function toRuleFile({
  rules,
  dialect,
  vary,
  responseVary,
  mode,
  hosts,
  tests,
  ...rest
}: FileInput): RuleFile {
  return {
    rules: rules.map(toRule),
    ...(dialect === undefined ? {} : { dialect }),
    vary: vary ?? 'auto',
    responseVary: responseVary === true || responseVary === 'true',
    mode: mode ?? 'enforce',
    ...(rest.resourcePolicy === undefined ? {} : { resourcePolicy: rest.resourcePolicy }),
    ...(rest.storedBy === undefined ? {} : { storedBy: rest.storedBy }),
    hosts: (hosts ?? []).map((host) => host.toLowerCase()),
    tests: (tests ?? []).map(
      ({ headers = [], actual = false, ...given }): RuleTest => ({ ...given, headers, actual }),
    ),
  }
}

function toRule(given: RuleInput): CorsRule {
  const filled = given.preset === undefined ? undefined : presetOf(given.preset)
  const id = given.id?.trim() ?? ''
  const age = given.maxAgeSeconds === undefined ? filled?.maxAgeSeconds : Number(given.maxAgeSeconds)
  return {
    // SDKs write an empty ID for a rule without one.
    ...(id === '' ? {} : { id }),
    ...(given.preset === undefined ? {} : { preset: given.preset }),
    allowedOrigins: given.allowedOrigins,
    allowedMethods: given.allowedMethods ?? filled?.allowedMethods ?? [],
    allowedHeaders: given.allowedHeaders ?? filled?.allowedHeaders ?? [],
    exposeHeaders: given.exposeHeaders ?? filled?.exposeHeaders ?? [],
    // Bounded, because a much larger number would be printed in exponential notation.
    ...(age === undefined
      ? {}
      : { maxAgeSeconds: Math.max(Math.min(age, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER) }),
    ...(given.allowCredentials === undefined ? {} : { allowCredentials: given.allowCredentials }),
  }
}

function presetProblem(name: string): EntryProblem | undefined {
  if (presetOf(name) !== undefined) return undefined
  if (name === 'tus')
    return {
      code: 'preset-unsupported',
      message:
        'tus uploads need PATCH, but COS, OSS and S3 rules allow only GET, PUT, POST, DELETE and HEAD: use dialect http',
    }
  return {
    code: 'preset-unknown',
    message: `unknown preset ${quoted(name)}: write one of ${presetNames.join(', ')}`,
  }
}

function issuesOf(given: z.core.$ZodIssue, document: unknown, nameOf: (field: string) => string): Issue[] {
  const path = given.path.filter((step) => typeof step !== 'symbol')
  const value = at(document, path)
  const found = (code: FindingCode, message: string, remedy?: Remedy): Issue[] => [
    issue(code, message, path, remedy),
  ]
  if (given.code === 'unrecognized_keys')
    return given.keys.map((key) => ({
      ...issue('unknown-key', `unknown key ${quoted(key)}`, [...path, key]),
      onKey: true,
    }))
  if (value === undefined) return [missingKey(path, nameOf)]
  if (given.code === 'custom') {
    const { code } = given.params ?? {}
    const remedy =
      typeof value === 'string' && path.at(-2) === 'allowedOrigins' ? originProblem(value)?.remedy : undefined
    return found(typeof code === 'string' && isCode(code) ? code : 'wrong-type', given.message, remedy)
  }
  const field = path.findLast((step) => typeof step === 'string') ?? 'rules'
  const name = nameAt(path, nameOf)
  if (field === 'maxAgeSeconds') return found(...maxAgeProblem(name, value))
  if (given.code === 'too_small') return found('empty-list', `${name} is empty: nothing can match this rule`)
  if (given.code === 'invalid_value' && typeof value === 'string')
    return found(
      'unsupported-value',
      `${name} cannot be ${quoted(value)}: write ${given.values.map(String).join(' or ')}`,
    )
  return found('wrong-type', wrongType(name, wantedOf(given), value))
}

function missingKey(path: ValuePath, nameOf: (field: string) => string): Issue {
  const owner = path.slice(0, -1)
  const [list, index] = owner
  const where = typeof index === 'number' ? `${list === 'tests' ? 'test' : 'rule'} ${index + 1}: ` : ''
  const message = `${where}${nameOf(String(path.at(-1)))} is required`
  return issue('missing-key', message, owner)
}

/** `AllowedOrigins[0]`, `rule 2`, `tests`. */
function nameAt(path: ValuePath, nameOf: (field: string) => string): string {
  const [list, index, field, item] = path
  if (list === undefined) return 'the file'
  if (index === undefined) return nameOf(String(list))
  if (list === 'hosts') return `hosts[${index}]`
  if (field === undefined) return `${list === 'tests' ? 'test' : 'rule'} ${Number(index) + 1}`
  return `${nameOf(String(field))}${item === undefined ? '' : `[${item}]`}`
}

type Wanted = 'list' | 'text' | 'mapping' | 'true or false'

function wantedOf(issue: z.core.$ZodIssue): Wanted {
  if (issue.code !== 'invalid_type') return issue.code === 'invalid_union' ? 'true or false' : 'text'
  if (issue.expected === 'array') return 'list'
  if (issue.expected === 'boolean') return 'true or false'
  return issue.expected === 'string' ? 'text' : 'mapping'
}

function wrongType(name: string, wanted: Wanted, value: unknown): string {
  const must =
    wanted === 'true or false'
      ? 'must be true or false'
      : `must be ${wanted === 'text' ? 'text' : `a ${wanted}`}`
  if (value === null)
    return /origin/i.test(name) && wanted === 'text'
      ? `${name} is null: write an origin (for the origin of sandboxed pages, "null" in quotes)`
      : `${name} is empty: it ${must}`
  const got = `${name} ${must}, not ${kindOf(value)}`
  if (wanted === 'list' && typeof value === 'string')
    return `${got}: write [${value
      .split(',')
      .map((text) => quoted(text.trim()))
      .join(', ')}]`
  if (wanted === 'mapping' && typeof value === 'string' && /^\w+(?::\S| +[["'])/.test(value))
    return `${got}: write a colon and a space after the key`
  if (wanted === 'list' && kindOf(value) === 'a mapping')
    return `${got}: put [ ] around it (in YAML, "- " before its first key)`
  if (wanted === 'text' && (typeof value === 'number' || typeof value === 'boolean'))
    return `${got}: put it in quotes`
  return got
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'string' ? 'text' : `the ${typeof value} ${String(value)}`
}

function maxAgeProblem(name: string, value: unknown): [code: FindingCode, message: string] {
  const got = typeof value === 'string' ? quoted(value) : value === null ? 'nothing' : kindOf(value)
  return ['wrong-type', `${name} must be whole seconds in decimal digits, e.g. 600, not ${got}`]
}

/** The value at `path`. Own properties only. */
function at(document: unknown, path: ValuePath): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? Reflect.get(value, step)
        : undefined,
    document,
  )
}
