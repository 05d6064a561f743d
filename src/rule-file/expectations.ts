import { type Deny, decide } from '../cors/decide.ts'
import { readActual, readPreflight } from '../cors/request.ts'
import { type Matching, type RuleFile, type RuleTest, vendorMatching } from '../cors/rule.ts'
import { compileRules, type RuleSet } from '../cors/rule-set.ts'
import { quoted } from '../text/visible.ts'
import { type Issue, issue } from './issue.ts'

/**
 * Runs the `tests:` of a rule file against its rules. Returns an error `test-failed` for each test that fails, with
 * the path of the test.
 */
export function failedExpectations(file: RuleFile, matching: Matching = vendorMatching): Issue[] {
  if (file.tests.length === 0) return []
  const rules = compileRules(file.rules)
  return file.tests.flatMap((test, index): Issue[] => {
    const outcome = resultOf(rules, test, matching)
    if (outcome.verdict === test.expect) return []
    return [
      issue('test-failed', `expected ${test.expect}, but ${describe(test)} is ${outcome.text}`, [
        'tests',
        index,
      ]),
    ]
  })
}

function resultOf(
  rules: RuleSet,
  test: RuleTest,
  matching: Matching,
): { verdict: 'allow' | 'deny'; text: string } {
  const question = test.actual
    ? readActual(
        {
          method: test.method,
          origin: test.origin,
          requestedMethod: undefined,
          requestedHeaders: undefined,
        },
        matching,
      )
    : readPreflight(
        {
          method: 'OPTIONS',
          origin: test.origin,
          requestedMethod: test.method,
          requestedHeaders: test.headers.length === 0 ? undefined : test.headers.join(','),
        },
        matching,
      )
  if (question === undefined || 'what' in question)
    return { verdict: 'deny', text: 'denied: not a valid request' }
  const decision = decide(rules, question)
  if (decision.verdict === 'allow')
    return { verdict: 'allow', text: `allowed by rule ${decision.rule.label}` }
  const closest = decision.closest === undefined ? '' : ` (closest rule: ${decision.closest.label})`
  return { verdict: 'deny', text: `denied: ${want(decision)}${closest}` }
}

function want({ reason, header }: Deny): string {
  switch (reason) {
    case 'no_rules':
      return 'there are no rules'
    case 'malformed':
      return 'the origin is not valid'
    case 'header':
      return `the closest rule does not allow the header ${printable(header ?? '')}`
    case 'origin':
    case 'method':
      return `no rule allows the ${reason}`
  }
}

const shownHeaders = 5

function describe({ method, origin, headers }: RuleTest): string {
  const more = headers.length > shownHeaders ? ', …' : ''
  const names = headers
    .slice(0, shownHeaders)
    .map((name) => printable(name))
    .join(', ')
  return `${printable(method)} from ${printable(origin)}${names === '' ? '' : ` with ${names}${more}`}`
}

/** Test values are untrusted text. */
const printable = (text: string): string => (/^[!-~]{1,40}$/.test(text) ? text : quoted(text))
