/** The changes of one file's rules that could allow refused requests, as data, the least permissive first. */

import { matchOrigin, originForm } from '../../cors/pattern.ts'
import {
  allowsHeader,
  type CompiledRule,
  type CorsRule,
  corsMethods,
  type Matching,
  type RuleFile,
} from '../../cors/rule.ts'
import { compileRules } from '../../cors/rule-set.ts'
import type { ListField } from '../issue.ts'
import { lint } from '../lint/lint.ts'
import { isOpenOrigin, remarksOnOrigin } from '../lint/lint-origin.ts'

export type Additions = Readonly<Record<ListField, readonly string[]>>

export type RuleChange =
  | { readonly kind: 'extend'; readonly index: number; readonly added: Additions }
  | { readonly kind: 'insert'; readonly index: number; readonly rule: CorsRule }

export interface Need {
  readonly origin: string
  readonly methods: readonly string[]
  /** In lower case. */
  readonly headers: readonly string[]
}

const nothingAdded: Additions = {
  allowedOrigins: [],
  allowedMethods: [],
  allowedHeaders: [],
  exposeHeaders: [],
}

export function candidateChanges(file: RuleFile, asked: Need, matching: Matching): RuleChange[] {
  const need = { ...asked, methods: inUsualOrder(asked.methods) }
  const { rules } = compileRules(file.rules)
  const form = originForm(need.origin)
  const isFor = ({ origins }: CompiledRule): boolean => matchOrigin(origins, need.origin, form) !== 'none'
  const model = rules.find(isFor)
  const extended = rules
    .filter((rule) => !isOpenRule(rule.rule))
    .map((rule) => ({ rule, added: missing(rule, need, !isFor(rule)) }))
    // Another origin is added only if no rule matches it yet, and only to a rule that needs nothing else, because a
    // method or header would also be allowed for the rule's other origins.
    .filter(
      ({ added }) =>
        added.allowedOrigins.length === 0 ||
        (model === undefined && added.allowedMethods.length + added.allowedHeaders.length === 0),
    )
    .toSorted((a, b) => distance(a.added) - distance(b.added))
    .map(({ rule, added }): RuleChange => ({ kind: 'extend', index: rule.number - 1, added }))
  // Credentials are only sent to an origin that a rule names.
  const isNamed = model !== undefined && matchOrigin(model.origins, need.origin, form) === 'named'
  const rule = ruleFor(need, model?.rule, isNamed)
  // Preferably before the rule that already matches the origin: if it matches by "*", its response has no credentials.
  const places = model === undefined ? [rules.length] : [model.number - 1, rules.length]
  const inserted = places.map((index): RuleChange => ({ kind: 'insert', index, rule }))
  return [...extended, ...inserted].map((change) => completed(file, change, matching))
}

const distance = ({ allowedOrigins, allowedMethods, allowedHeaders }: Additions): number =>
  allowedOrigins.length * 1_000_000 + allowedMethods.length * 1000 + allowedHeaders.length

function missing({ methods, headers }: CompiledRule, need: Need, lacksOrigin: boolean): Additions {
  return {
    ...nothingAdded,
    allowedOrigins: lacksOrigin ? [need.origin] : [],
    allowedMethods: need.methods.filter((method) => !methods.has(method)),
    allowedHeaders: need.headers.filter((name) => !allowsHeader(headers, name)),
  }
}

const openCodes = new Set([
  'origin-pattern-matches-any-host',
  'origin-pattern-public-suffix',
  'origin-wildcard-not-on-label-boundary',
  'origin-trailing-wildcard-open-suffix',
  'origin-pattern-without-scheme',
  'origin-file',
])

/** Whether `rule` may match origins that are not listed, which would then get the additions too. */
const isOpenRule = ({ allowedOrigins }: CorsRule): boolean =>
  allowedOrigins.some(
    (entry) =>
      isOpenOrigin(entry) ||
      entry === 'null' ||
      remarksOnOrigin(entry).some(({ code }) => openCodes.has(code)),
  )

/**
 * A rule for this origin only. `model` is the rule that applied so far: the page must keep access to the headers
 * that it exposes.
 */
const ruleFor = (
  { origin, methods, headers }: Need,
  model: CorsRule | undefined,
  isNamed: boolean,
): CorsRule => ({
  allowedOrigins: [origin],
  allowedMethods: methods,
  allowedHeaders: headers,
  exposeHeaders: model?.exposeHeaders ?? [],
  maxAgeSeconds: model?.maxAgeSeconds ?? 600,
  ...(isNamed && model?.allowCredentials !== undefined ? { allowCredentials: model.allowCredentials } : {}),
})

/** The usual order of methods; those of other dialects come last. */
const inUsualOrder = (methods: readonly string[]): string[] => {
  const usual: readonly string[] = corsMethods
  return [...usual.filter((method) => methods.includes(method)), ...methods.filter((m) => !usual.includes(m))]
}

/** The file after `change`. */
export function changedFile(file: RuleFile, change: RuleChange): RuleFile {
  if (change.kind === 'insert') return { ...file, rules: file.rules.toSpliced(change.index, 0, change.rule) }
  return {
    ...file,
    rules: file.rules.map((rule, index) =>
      index === change.index ? extendedRule(rule, change.added) : rule,
    ),
  }
}

function extendedRule(rule: CorsRule, added: Additions): CorsRule {
  return {
    ...rule,
    allowedOrigins: joined(rule.allowedOrigins, added.allowedOrigins),
    allowedMethods: joined(rule.allowedMethods, added.allowedMethods),
    allowedHeaders: joined(rule.allowedHeaders, added.allowedHeaders),
    exposeHeaders: joined(rule.exposeHeaders, added.exposeHeaders),
  }
}

/** Returns the same list when nothing is added, because lint recognises preset lists by identity. */
const joined = <Item>(list: readonly Item[], added: readonly Item[]): readonly Item[] =>
  added.length === 0 ? list : [...list, ...added]

/** Adds to `change` the remedies of its new warnings, for example exposing ETag where PUT is new. */
function completed(file: RuleFile, change: RuleChange, matching: Matching): RuleChange {
  const next = changedFile(file, change)
  const before = new Set(
    change.kind === 'insert' ? [] : addedBy(file, change.index, matching).map(({ code }) => code),
  )
  return addedBy(next, change.index, matching)
    .filter(({ code, severity }) => severity === 'warning' && !before.has(code))
    .reduce(
      (done, { remedy }) => (remedy?.kind === 'add' ? withAddition(done, remedy.field, remedy.values) : done),
      change,
    )
}

const addedBy = (file: RuleFile, index: number, matching: Matching): ReturnType<typeof lint> =>
  lint(file, matching).filter(
    ({ path, remedy }) => path[0] === 'rules' && path[1] === index && remedy?.kind === 'add',
  )

function withAddition(change: RuleChange, field: ListField, values: readonly string[]): RuleChange {
  if (change.kind === 'extend')
    return { ...change, added: { ...change.added, [field]: [...change.added[field], ...values] } }
  return { ...change, rule: extendedRule(change.rule, { ...nothingAdded, [field]: values }) }
}
