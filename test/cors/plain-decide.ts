import { type Decision, denyWithoutRules } from '../../src/cors/decide.ts'
import { compileOrigins, matchOrigin } from '../../src/cors/pattern.ts'
import type { CorsQuestion } from '../../src/cors/request.ts'
import type { CompiledRule, CorsRule } from '../../src/cors/rule.ts'

/** How far a rule matches: origin, method, headers. */
const reaches = ['origin', 'method', 'header'] as const

/** A simple reference implementation of `decide`: checks every rule as its author wrote it. */
export function plainDecision(rules: readonly CompiledRule[], question: CorsQuestion): Decision {
  const [first] = rules
  if (first === undefined) return denyWithoutRules
  const denied = { verdict: 'deny', malformed: undefined } as const
  if (question.form === 'malformed')
    return { ...denied, reason: 'malformed', closest: first, header: undefined }
  let furthest = { reach: 0, closest: first, header: undefined as string | undefined }
  for (const compiled of rules) {
    const { rule } = compiled
    const match = matchOrigin(compileOrigins(rule.allowedOrigins), question.origin, question.form)
    const header = question.headers.find((name) => !allows(rule, name))
    if (match !== 'none' && allowsMethod(rule, question.method) && header === undefined)
      return {
        verdict: 'allow',
        reason: 'matched',
        rule: compiled,
        allowOrigin: match === 'any' ? '*' : question.origin,
        credentials: match === 'named',
      }
    const reach = match === 'none' ? 0 : allowsMethod(rule, question.method) ? 2 : 1
    if (reach > furthest.reach)
      furthest = { reach, closest: compiled, header: reach === 2 ? header : undefined }
  }
  const { reach, closest, header } = furthest
  return { ...denied, reason: reaches[reach] ?? 'origin', closest, header }
}

const allowsMethod = ({ allowedMethods }: CorsRule, method: string): boolean =>
  allowedMethods.some((allowed) => allowed === method)

const allows = ({ allowedHeaders }: CorsRule, name: string): boolean =>
  allowedHeaders.some((entry) => {
    const [prefix = '', suffix] = entry.toLowerCase().split('*')
    if (suffix === undefined) return prefix === name
    return name.length >= prefix.length + suffix.length && name.startsWith(prefix) && name.endsWith(suffix)
  })
