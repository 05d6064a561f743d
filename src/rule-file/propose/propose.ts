/**
 * Proposes the change of a rule file that allows refused requests, as the complete new file. Every proposal has
 * passed the checker: it adds no error or warning, and allows every request.
 */

import { decide } from '../../cors/decide.ts'
import { readActual, readPreflight } from '../../cors/request.ts'
import { type DialectName, emptyRuleFile, type Matching, type RuleFile } from '../../cors/rule.ts'
import { compileRules } from '../../cors/rule-set.ts'
import { dialectNamed } from '../../dialect/named.ts'
import type { Finding } from '../../plan/finding.ts'
import { formatOf } from '../names.ts'
import { type ReadRules, readRules } from '../read.ts'
import type { Advice, AskedRequest, Proposal } from './asked.ts'
import { unifiedDiff } from './diff.ts'
import { editText } from './edit-file.ts'
import { notForRules } from './no-proposal.ts'
import { candidateChanges, changedFile, type Need } from './rule-change.ts'
import { fieldOrder } from './rule-nodes.ts'

/** Plain data, so that it can be sent to a child process. */
export interface ProposalInput {
  /** Base name of the file to change or create. */
  readonly file: string
  /** Its text; `undefined` when it does not exist. */
  readonly text: string | undefined
  /**
   * What a new file starts from: the text of `_default`, which applied to the bucket so far. In the format of
   * `file`.
   */
  readonly template?: string
  /** The server's dialect. */
  readonly dialect: DialectName
  readonly requests: readonly AskedRequest[]
}

/** Asynchronous, because parsing and linting run in a child process. */
export const propose = async (input: ProposalInput): Promise<Advice> => adviceFor(input)

export function adviceFor(input: ProposalInput): Advice {
  const { file, text, template, dialect, requests } = input
  const start = text ?? template
  const before = start === undefined ? undefined : read(file, start, dialect)
  if (before !== undefined && before.content === undefined) return { hint: brokenHint(file, before.findings) }
  const content = before?.content ?? emptyRuleFile
  // A host can be in one file only.
  if (text === undefined && content.hosts.length > 0)
    return {
      hint: `Write a separate rule file for the bucket, ${file}: the hosts of _default cannot be copied.`,
    }
  const { matching } = dialectNamed(content.dialect ?? dialect)
  const open = requests.filter((request) => !allows(content, request, matching))
  for (const request of open) {
    const against = notForRules(request, content.rules, matching)
    if (against !== undefined) return against.hint === undefined ? {} : { hint: against.hint }
  }
  if (open.length === 0) return {}
  let state: State = { text: start, content, findings: before?.findings ?? [] }
  for (const need of needsOf(open)) {
    const step = nextState(input, state, need, open, matching)
    if (typeof step === 'string') return { hint: step }
    state = step
  }
  return open.every((request) => allows(state.content, request, matching)) && state.text !== undefined
    ? { proposal: proposalOf(file, text, state.text) }
    : {}
}

interface State {
  readonly text: string | undefined
  readonly content: RuleFile
  readonly findings: readonly Finding[]
}

const read = (file: string, text: string, dialect: DialectName): ReadRules =>
  readRules(file, new TextEncoder().encode(text), dialect)

function brokenHint(file: string, findings: readonly Finding[]): string {
  const error = findings.find(({ severity }) => severity === 'error')
  const place = error === undefined ? '' : ` (line ${error.line}, column ${error.column}: ${error.message})`
  return `${file} has an error${place}: fix it first, because the file is not loaded until then.`
}

/** One need per origin: everything that its requests ask for, so that a single rule allows them all. */
function needsOf(requests: readonly AskedRequest[]): Need[] {
  const byOrigin = Map.groupBy(requests, ({ origin = '' }) => origin)
  return [...byOrigin].map(([origin, asked]) => ({
    origin,
    methods: [...new Set(asked.flatMap(({ method }) => (method === undefined ? [] : [method])))],
    headers: [...new Set(asked.flatMap(({ headers }) => headers.map((name) => name.toLowerCase())))],
  }))
}

/** The state after the first change that passes; otherwise a hint: the checker's first objection, if it has one. */
function nextState(
  { file, dialect }: ProposalInput,
  state: State,
  need: Need,
  requests: readonly AskedRequest[],
  matching: Matching,
): State | string {
  let refusal: string | undefined
  for (const change of candidateChanges(state.content, need, matching)) {
    const expected = changedFile(state.content, change)
    const text =
      state.text === undefined
        ? newFile(file, expected)
        : editText(state.text, formatOf(file) ?? 'yaml', state.content, change)
    if (text === undefined) continue
    const { content, findings } = read(file, text, dialect)
    const worse = added(state.findings, findings)
    refusal ??= worse === undefined ? undefined : refusalHint(need, worse)
    const mine = requests.filter(({ origin }) => origin === need.origin)
    if (worse !== undefined || content === undefined || !isSame(content, expected)) continue
    if (mine.every((request) => allows(content, request, matching))) return { text, content, findings }
  }
  return refusal ?? `No change to ${file} alone allows it: write a rule for ${need.origin} by hand.`
}

/** A bucket without a file gets a YAML file. */
function newFile(file: string, { rules }: RuleFile): string | undefined {
  return editText('rules: []\n', formatOf(file) ?? 'yaml', emptyRuleFile, {
    kind: 'insert',
    index: 0,
    rule: rules[0] ?? { allowedOrigins: [], allowedMethods: [], allowedHeaders: [], exposeHeaders: [] },
  })
}

/** The first error or warning whose code occurs more often in `after` than in `before`. */
export function added(before: readonly Finding[], after: readonly Finding[]): Finding | undefined {
  const count = (findings: readonly Finding[], wanted: string): number =>
    findings.filter(({ code, severity }) => severity !== 'info' && code === wanted).length
  return after.find(({ code, severity }) => severity !== 'info' && count(after, code) > count(before, code))
}

const refusalHint = ({ origin }: Need, { code, message }: Finding): string =>
  code === 'test-failed'
    ? `A test in the file expects this request to be denied: ${message}. To allow ${origin}, change that test first.`
    : `Not proposed, because the new rule would cause the finding ${code}: ${message}.`

/** Whether the edited text means exactly what was intended. An alias, for example, can change other values too. */
const isSame = (content: RuleFile, expected: RuleFile): boolean => inOrder(content) === inOrder(expected)

/** A list of names given to `JSON.stringify` is also the order in which it writes them. */
const inOrder = ({ rules, ...rest }: RuleFile): string =>
  JSON.stringify([rest, rules.map((rule) => JSON.stringify(rule, ['preset', ...fieldOrder]))])

/** Whether the rules of `file` allow the request. */
export function allows(
  file: RuleFile,
  { origin, method, headers, kind }: AskedRequest,
  matching: Matching,
): boolean {
  const requestedHeaders = headers.length === 0 ? undefined : headers.join(',')
  const question =
    kind === 'actual'
      ? readActual({ method: method ?? '', origin, requestedMethod: undefined, requestedHeaders: undefined })
      : readPreflight({ method: 'OPTIONS', origin, requestedMethod: method, requestedHeaders }, matching)
  if (question === undefined || 'what' in question) return false
  return decide(compileRules(file.rules), question).verdict === 'allow'
}

function proposalOf(file: string, before: string | undefined, text: string): Proposal {
  return { file, text, diff: unifiedDiff(file, before, text) }
}
