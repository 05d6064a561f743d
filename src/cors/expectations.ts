import { decide } from './decide.ts'
import type { Issue } from './issue.ts'
import { readActual, readPreflight } from './request.ts'
import { compileRule, type RuleFile, type RuleTest } from './rule.ts'

/**
 * Runs the `tests:` of a rule file against its own rules. One error, code `test-failed`, for each that does not hold;
 * its path is that of the test.
 */
export function failedExpectations(file: RuleFile): Issue[] {
  const rules = file.rules.map((rule, index) => compileRule(rule, index + 1))
  return file.tests.flatMap((test, index): Issue[] => {
    const outcome = outcomeOf(rules, test)
    if (outcome.verdict === test.expect) return []
    return [
      {
        severity: 'error',
        code: 'test-failed',
        path: ['tests', index],
        message: `expected ${test.expect}, but ${describe(test)} is ${outcome.text}`,
      },
    ]
  })
}

function outcomeOf(
  rules: Parameters<typeof decide>[0],
  test: RuleTest,
): { verdict: 'allow' | 'deny'; text: string } {
  const question = test.actual
    ? readActual({
        method: test.method,
        origin: test.origin,
        requestedMethod: undefined,
        requestedHeaders: undefined,
      })
    : readPreflight({
        method: 'OPTIONS',
        origin: test.origin,
        requestedMethod: test.method,
        requestedHeaders: test.headers.length === 0 ? undefined : test.headers.join(','),
      })
  if (question === undefined || 'what' in question)
    return { verdict: 'deny', text: 'denied: not a valid request' }
  const decision = decide(rules, question)
  if (decision.verdict === 'allow')
    return { verdict: 'allow', text: `allowed by rule ${decision.rule.label}` }
  const closest = decision.closest === undefined ? '' : ` (closest rule: ${decision.closest.label})`
  const name = decision.header === undefined ? '' : ` "${decision.header}"`
  return { verdict: 'deny', text: `denied for its ${decision.reason}${name}${closest}` }
}

function describe(test: RuleTest): string {
  const headers = test.headers.length === 0 ? '' : ` with ${test.headers.join(', ')}`
  return `${test.method} from ${test.origin}${headers}`
}
