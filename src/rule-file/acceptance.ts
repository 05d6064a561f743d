import { quoted } from '../text/visible.ts'
import { nearest } from './closest.ts'
import { codes, isCode } from './lint/codes.ts'
import { type Comment, type Problem, problemAt } from './source.ts'

/** How many acceptances of a file are read. */
const maxAcceptances = 200

interface Acceptance extends Comment {
  readonly code: string
  readonly reason: string
}

/**
 * Removes the findings that the file accepts with a comment `cors-sidecar: allow CODE because REASON`, and adds
 * findings about such comments. Errors cannot be accepted. `isComplete`: the file was read to its end, so an
 * acceptance that matched nothing is unused.
 */
export function withoutAccepted(
  problems: readonly Problem[],
  comments: readonly Comment[],
  isComplete: boolean,
): Problem[] {
  if (comments.length === 0) return [...problems]
  const acceptances: Acceptance[] = []
  const found: Problem[] = []
  for (const comment of comments.filter(isAddressed).slice(0, maxAcceptances)) {
    const read = readAcceptance(comment)
    if ('severity' in read) found.push(read)
    else acceptances.push(read)
  }
  const used = new Set<Acceptance>()
  const left = problems.filter((problem) => {
    const by =
      problem.severity === 'error' ? [] : acceptances.filter((acceptance) => accepts(acceptance, problem))
    for (const acceptance of by) used.add(acceptance)
    return by.length === 0
  })
  const idle = isComplete ? acceptances.filter((acceptance) => !used.has(acceptance)).map(unused) : []
  return [...left, ...found, ...idle]
}

const accepts = ({ code, covers }: Acceptance, problem: Problem): boolean =>
  problem.code === code &&
  problem.offset >= covers.offset &&
  problem.offset < Math.max(covers.end, covers.offset + 1)

const form = /^\s*cors-sidecar:\s*allow\s+(\S{1,80})(?:\s+because\b(.*))?\s*$/s

/** Whether a comment is meant for this program. */
const isAddressed = ({ text }: Comment): boolean => /^\s*cors-sidecar:/i.test(text)

/** A problem: the comment was meant to accept a finding, but is invalid. */
function readAcceptance(comment: Comment): Acceptance | Problem {
  const parts = form.exec(comment.text)
  if (parts === null)
    return problemAt(comment, 'acceptance-malformed', 'write "cors-sidecar: allow CODE because REASON"')
  const [, code = '', written = ''] = parts
  const reason = written.trim()
  if (!isCode(code)) {
    const near = nearest(code, Object.keys(codes))
    return problemAt(
      comment,
      'acceptance-malformed',
      `unknown finding code ${quoted(code)}${near === undefined ? '' : `: did you mean ${near}?`}`,
    )
  }
  if (codes[code].severity === 'error')
    return problemAt(
      comment,
      'acceptance-malformed',
      `${code} is an error, and errors cannot be accepted: fix it`,
    )
  if (reason === '')
    return problemAt(
      comment,
      'acceptance-without-reason',
      `an acceptance needs a reason: write "allow ${code} because …"`,
    )
  return { ...comment, code, reason }
}

const unused = (acceptance: Acceptance): Problem =>
  problemAt(
    acceptance,
    'acceptance-unused',
    `no finding ${acceptance.code} here: remove the comment, or put it before the line that has the finding`,
  )
