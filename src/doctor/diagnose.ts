import { answerProblems } from './answer-problems.ts'
import type { Problem, ProblemCode } from './codes.ts'
import { failureProblem, pageProblems } from './connection-problems.ts'
import type { Facts, Question } from './facts.ts'
import { pathProblems, storeProblems } from './path-problems.ts'
import { preflightProblems } from './preflight-problems.ts'
import { rulesProblems } from './rules-problems.ts'

/**
 * After these problems, problems of the actual request add nothing: the browser never sends it, or there is no
 * response.
 */
const conclusive: ReadonlySet<ProblemCode> = new Set([
  'name-not-found',
  'connection-refused',
  'connection-timeout',
  'connection-reset',
  'not-http',
  'tls-failed',
  'console-port',
  'preflight-redirected',
])

/** The problems in the order in which a browser meets them. Empty: the page can read the response. Pure. */
export function diagnose(question: Question, facts: Facts): Problem[] {
  const before = [...pageProblems(question, facts), ...certificateProblems(facts)]
  const preflight = preflightProblems(question, facts)
  const store = storeProblems(facts)
  if (preflight.some(({ code }) => conclusive.has(code))) return [...before, ...preflight, ...store]
  const rules = rulesProblems(question, facts)
  // If the preflight has a problem, a refusal of the request itself adds nothing. Other problems are still reported.
  const answers = [
    ...preflight,
    ...answerProblems(question, facts).filter(({ code }) => preflight.length === 0 || !refusals.has(code)),
  ]
  return unique([...before, ...explained(answers, rules), ...pathProblems(question, facts), ...store])
}

function certificateProblems({ certificate }: Facts): Problem[] {
  return certificate === undefined ? [] : [failureProblem(certificate, 'The certificate was rejected')]
}

const refusals: ReadonlySet<ProblemCode> = new Set(['preflight-refused', 'allow-origin-missing'])

/** Drops refusals that the rule files explain, except those at a proxy. Puts the problems with the rules last. */
function explained(answers: readonly Problem[], rules: readonly Problem[]): Problem[] {
  const refuses = rules.some(({ code }) => code === 'rules-refuse')
  const others = answers.filter(({ code, hop }) => !(refuses && refusals.has(code) && hop !== 'proxy'))
  // A difference that another problem already reports is left out.
  const differences = rules.filter(
    ({ code }) =>
      code !== 'rules-differ' || others.length === 0 || others.every(({ code }) => refusals.has(code)),
  )
  return [...others, ...differences]
}

/** Reports the same code at the same hop once, with the first evidence. */
const unique = (problems: readonly Problem[]): Problem[] =>
  problems.filter(
    ({ code, hop }, index) =>
      problems.findIndex((other) => other.code === code && other.hop === hop) === index,
  )
