import { hopNames, type Problem } from '../src/doctor/codes.ts'
import { type Attempt, type Facts, needsPreflight, type Question, valuesOf } from '../src/doctor/facts.ts'
import { nameOf, shown } from '../src/doctor/who.ts'
import { visibleJson } from '../src/text/visible.ts'
import { paint } from './paint.ts'

interface DoctorResult {
  readonly url: string
  readonly question: Question
  readonly facts: Facts
  readonly problems: readonly Problem[]
}

export function doctorText({ url, question, facts, problems }: DoctorResult, colour: boolean): string {
  const { strong, bad, good } = paint(colour)
  const { origin, method } = question
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  return [
    `${strong(`${method} ${shown(url)}`)} from a page of ${shown(origin)}`,
    ...exchanges(question, facts),
    '',
    ...problems.flatMap((problem) => problemLines(problem, bad)),
    problems.length === 0
      ? `${good('Healthy')}: a browser lets the page read the response.`
      : `${bad(count)}. Run 'cors-sidecar doctor --explain CODE' to see what a code means.`,
    '',
  ].join('\n')
}

function problemLines({ code, hop, evidence, remedy }: Problem, bad: (text: string) => string): string[] {
  return [`${bad(code)} (${hopNames[hop]})`, `  ${evidence}`, `  Remedy: ${remedy}`, '']
}

function exchanges(question: Question, { preflight, actual, store }: Facts): string[] {
  const line = (what: string, attempt: Attempt | undefined): string[] =>
    attempt === undefined ? [] : [`  ${what.padEnd(10)} ${outcome(question, attempt)}`]
  return [
    ...(needsPreflight(question)
      ? line('preflight', preflight)
      : ['  preflight  none: browsers send this request without a preflight']),
    ...line(question.method, actual),
    ...line('store', store),
  ]
}

function outcome(question: Question, attempt: Attempt): string {
  switch (attempt.kind) {
    case 'failure':
      return shown(attempt.detail)
    case 'withheld':
      return 'withheld, because it would change the object (--write sends it)'
    case 'answer': {
      const origins = valuesOf(attempt, 'access-control-allow-origin')
      const allowed =
        origins.length === 0
          ? 'no Access-Control-Allow-Origin'
          : `Access-Control-Allow-Origin: ${origins.map(shown).join(' | ')}`
      return `${attempt.status} from ${nameOf(question, attempt)}, ${allowed}`
    }
  }
}

/** The result as one JSON object. Field names are stable. */
export function doctorJson({ url, question, facts, problems }: DoctorResult): string {
  const { origin, method, headers } = question
  const shownAttempt = (attempt: Attempt | undefined): unknown => {
    if (attempt === undefined) return undefined
    if (attempt.kind !== 'answer') return attempt
    const { status, lines, address } = attempt
    return { kind: 'answer', status, address, author: nameOf(question, attempt), headers: pairs(lines) }
  }
  const exchanges = {
    preflight: shownAttempt(facts.preflight),
    actual: shownAttempt(facts.actual),
    store: shownAttempt(facts.store),
  }
  const result = { url, origin, method, headers, healthy: problems.length === 0, problems, exchanges }
  return `${visibleJson(JSON.stringify(result, undefined, 2))}\n`
}

const pairs = (lines: readonly string[]): (readonly [string, string])[] =>
  lines.flatMap((name, index) => (index % 2 === 0 ? [[name, lines[index + 1] ?? ''] as const] : []))
