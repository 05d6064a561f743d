import { type CompiledRule, type CorsRule, compileRule } from './rule.ts'

/** The rules of one bucket in file order, indexed by the origins that they name. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[]
  /** For each origin, the rules that name it, in order. Leaves out rules that also hold a lone `*`. */
  readonly naming: ReadonlyMap<string, readonly CompiledRule[]>
  /** The rules that hold `*` or a pattern, in order. They are checked for every origin. */
  readonly open: readonly CompiledRule[]
}

export function compileRules(authored: readonly CorsRule[]): RuleSet {
  const rules = authored.map((rule, index) => compileRule(rule, index + 1))
  const open = rules.filter(({ origins }) => origins.any || origins.wildcards.length > 0)
  return { rules, naming: byName(rules), open: open.length === 0 ? none : open }
}

const none: readonly CompiledRule[] = []

function byName(rules: readonly CompiledRule[]): RuleSet['naming'] {
  const naming = new Map<string, CompiledRule[]>()
  for (const rule of rules) {
    if (rule.origins.any) continue
    // Shared by all origins that no other rule names.
    const alone = [rule]
    for (const origin of rule.origins.exact) {
      const before = naming.get(origin)
      if (before === undefined) naming.set(origin, alone)
      else if (before.at(-1) === rule) continue
      else if (before.length === 1) naming.set(origin, [...before, rule])
      else before.push(rule)
    }
  }
  return naming
}
