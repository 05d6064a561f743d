import { answerProblems } from './answer-problems.ts'
import type { Problem, ProblemCode } from './codes.ts'
import { failureProblem, pageProblems } from './connection-problems.ts'
import type { Facts, Question } from './facts.ts'
import { pathProblems, storeProblems } from './path-problems.ts'
import { preflightProblems } from './preflight-problems.ts'
import { rulesProblems } from './rules-problems.ts'

/** Problems after which those of the request itself say nothing new: the browser never sends it, or nothing answers. */
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

/** What is wrong, in the order in which a browser meets it. Empty: the page gets its answer. Pure. */
export function diagnose(question: Question, facts: Facts): Problem[] {
  const before = [...pageProblems(question, facts), ...certificateProblems(facts)]
  const preflight = preflightProblems(question, facts)
  const store = storeProblems(facts)
  if (preflight.some(({ code }) => conclusive.has(code))) return [...before, ...preflight, ...store]
  const rules = rulesProblems(question, facts)
  // After a refused preflight the browser sends nothing: what the request itself lacks says nothing new.
  const answers = [
    ...preflight,
    ...answerProblems(question, facts).filter(({ code }) => preflight.length === 0 || !refusals.has(code)),
  ]
  return unique([...before, ...explained(answers, rules), ...pathProblems(question, facts), ...store])
}

function certificateProblems({ certificate }: Facts): Problem[] {
  return certificate === undefined ? [] : [failureProblem(certificate, 'The certificate is refused')]
}

const refusals: ReadonlySet<ProblemCode> = new Set(['preflight-refused', 'allow-origin-missing'])

/** Where the rule files refuse the request, that explains why it was refused; where they do not, the difference follows. */
function explained(answers: readonly Problem[], rules: readonly Problem[]): Problem[] {
  const refuses = rules.some(({ code }) => code === 'rules-refuse')
  const others = answers.filter(({ code, hop }) => !(refuses && refusals.has(code) && hop !== 'proxy'))
  // A difference that another problem names is no second problem.
  const differences = rules.filter(
    ({ code }) =>
      code !== 'rules-differ' || others.length === 0 || others.every(({ code }) => refusals.has(code)),
  )
  return [...others, ...differences]
}

/** The same code at the same hop is reported once, with what was seen first. */
const unique = (problems: readonly Problem[]): Problem[] =>
  problems.filter(
    ({ code, hop }, index) =>
      problems.findIndex((other) => other.code === code && other.hop === hop) === index,
  )
