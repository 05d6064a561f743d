import type { HeaderLines } from '../http.ts'
import { type Problem, problem } from './codes.ts'
import { type Answer, type Attempt, type Expected, type Facts, type Question, valuesOf } from './facts.ts'
import { proxyHop } from './origin-problems.ts'

/**
 * How the responses differ from the rule files. The code `rules-refuse` means that the rule files themselves refuse
 * the request.
 */
export function rulesProblems(question: Question, { rules, preflight, actual }: Facts): Problem[] {
  if (rules === undefined) return []
  const pairs: readonly (readonly [string, Expected | undefined, Attempt | undefined])[] = [
    ['preflight', rules.preflight, preflight],
    [question.method, rules.actual, actual],
  ]
  const problems = pairs.flatMap(([what, expected, attempt]) =>
    expected === undefined ? [] : compared(what, expected, attempt),
  )
  return problems.filter(({ code }, index) => problems.findIndex((other) => other.code === code) === index)
}

function compared(what: string, expected: Expected, attempt: Attempt | undefined): Problem[] {
  const allowed = attempt?.kind === 'answer' && valuesOf(attempt, 'access-control-allow-origin').length > 0
  if (!expected.allowed && !allowed) return [problem('rules-refuse', 'sidecar', expected.text)]
  if (attempt?.kind !== 'answer') return []
  const differences = differencesOf(attempt, expected.lines)
  if (differences.length === 0) return []
  return [
    problem(
      'rules-differ',
      proxyHop(attempt) ?? 'sidecar',
      `The answer to ${what === 'preflight' ? 'the preflight' : what} has ${differences.join('; ')}.`,
    ),
  ]
}

const names = ['origin', 'credentials', 'methods', 'headers'].map((name) => `access-control-allow-${name}`)
const compareNames = [...names, 'access-control-expose-headers', 'access-control-max-age']

function differencesOf(answer: Answer, lines: HeaderLines): string[] {
  const expected: Answer = { ...answer, lines }
  return compareNames.flatMap((name) => {
    const [seen, wanted] = [answer, expected].map((one) => valuesOf(one, name))
    if (normal(name, seen) === normal(name, wanted)) return []
    return [`${name} ${words(seen)} instead of ${words(wanted)}`]
  })
}

/** Returns the same text for lists that differ only in order, whitespace or, for header names, case. */
function normal(name: string, values: readonly string[] = []): string {
  if (name.endsWith('-origin')) return values.join('\n')
  const items = values
    .join(',')
    .split(',')
    .map((item) => item.trim())
  return items
    .map((item) => (name.endsWith('-headers') ? item.toLowerCase() : item))
    .sort()
    .join(',')
}

const words = (values: readonly string[] = []): string =>
  values.length === 0 ? 'missing' : `"${values.join('", "')}"`
