import { type CompiledRule, type CorsRule, compileRule } from './rule.ts'

/** The rules of one bucket, in the order of its file, sorted by the origins that they can be for. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[]
  /** For an origin the rules that name it, in order. Those with a lone `*` among their origins are left out. */
  readonly naming: ReadonlyMap<string, readonly CompiledRule[]>
  /** The rules that hold `*` or a pattern, in order: they are asked about every origin. */
  readonly open: readonly CompiledRule[]
}

/** Makes the rules of one file ready to be asked. */
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
    // One list for all the origins that no other rule names.
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
