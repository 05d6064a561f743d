/**
 * The change of a rule file that allows what was refused, as the whole new file. Nothing is shown that the checker has
 * not passed: the new file has no error and no warning that the old one had not, and allows every request.
 */

import { decide } from '../../cors/decide.ts'
import { readActual, readPreflight } from '../../cors/request.ts'
import type { DialectName, Matching, RuleFile } from '../../cors/rule.ts'
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

/** Plain data, so that the work can be done in another thread. */
export interface ProposalInput {
  /** Base name of the file to change, or to make. */
  readonly file: string
  /** Its text; `undefined` for a file that is not there. */
  readonly text: string | undefined
  /** What a new file starts from: the text of `_default`, which answered the bucket so far. Its format is that of `file`. */
  readonly template?: string
  /** The server's. */
  readonly dialect: DialectName
  readonly requests: readonly AskedRequest[]
}

/** Asynchronous, because reading and linting are work for another thread. */
export const propose = async (input: ProposalInput): Promise<Advice> => adviceFor(input)

export function adviceFor(input: ProposalInput): Advice {
  const { file, text, template, dialect, requests } = input
  const start = text ?? template
  const before = start === undefined ? undefined : read(file, start, dialect)
  if (before !== undefined && before.content === undefined) return { hint: brokenHint(file, before.findings) }
  const content = before?.content ?? noContent
  // A host can stand in one file only.
  if (text === undefined && content.hosts.length > 0)
    return {
      hint: `Write a rule file of its own for the bucket, ${file}: the hosts of _default cannot be copied.`,
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

const noContent: RuleFile = {
  rules: [],
  vary: 'auto',
  responseVary: false,
  mode: 'enforce',
  hosts: [],
  tests: [],
}

const read = (file: string, text: string, dialect: DialectName): ReadRules =>
  readRules(file, new TextEncoder().encode(text), dialect)

function brokenHint(file: string, findings: readonly Finding[]): string {
  const error = findings.find(({ severity }) => severity === 'error')
  const place = error === undefined ? '' : ` (line ${error.line}, column ${error.column}: ${error.message})`
  return `${file} has an error${place}: correct it first, as no change of the file is loaded until then.`
}

/** One need for each origin: what its requests ask for together, so that one rule allows them all. */
function needsOf(requests: readonly AskedRequest[]): Need[] {
  const byOrigin = Map.groupBy(requests, ({ origin = '' }) => origin)
  return [...byOrigin].map(([origin, asked]) => ({
    origin,
    methods: [...new Set(asked.flatMap(({ method }) => (method === undefined ? [] : [method])))],
    headers: [...new Set(asked.flatMap(({ headers }) => headers.map((name) => name.toLowerCase())))],
  }))
}

/** The first change that passes; else, in a sentence, what the checker says of the first one. */
function nextState(
  { file, dialect }: ProposalInput,
  state: State,
  need: Need,
  requests: readonly AskedRequest[],
  matching: Matching,
): State | string {
  let refusal: string | undefined
  for (const change of candidateChanges(state.content, need)) {
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
  return refusal ?? `No change of ${file} alone allows it: write a rule for ${need.origin} by hand.`
}

/** A bucket without a file gets one in YAML. */
function newFile(file: string, { rules }: RuleFile): string | undefined {
  return editText('rules: []\n', formatOf(file) ?? 'yaml', noContent, {
    kind: 'insert',
    index: 0,
    rule: rules[0] ?? { allowedOrigins: [], allowedMethods: [], allowedHeaders: [], exposeHeaders: [] },
  })
}

/** The first error or warning of a code that stands more often in `after` than in `before`. */
export function added(before: readonly Finding[], after: readonly Finding[]): Finding | undefined {
  const count = (findings: readonly Finding[], wanted: string): number =>
    findings.filter(({ code, severity }) => severity !== 'info' && code === wanted).length
  return after.find(({ code, severity }) => severity !== 'info' && count(after, code) > count(before, code))
}

const refusalHint = ({ origin }: Need, { code, message }: Finding): string =>
  code === 'test-failed'
    ? `A test of the file wants this request denied: ${message}. Change that test first, if ${origin} is to be allowed.`
    : `A rule that allows it would have the finding ${code}: ${message}.`

/** Whether the file says what was meant, and nothing beside it has changed, for example by an alias. */
const isSame = (content: RuleFile, expected: RuleFile): boolean =>
  JSON.stringify({ ...content, rules: content.rules.map(inOrder) }) ===
  JSON.stringify({ ...expected, rules: expected.rules.map(inOrder) })

const inOrder = ({
  id,
  preset,
  allowedOrigins,
  allowedMethods,
  allowedHeaders,
  exposeHeaders,
  maxAgeSeconds,
  allowCredentials,
}: RuleFile['rules'][number]): object => ({
  id,
  preset,
  allowedOrigins,
  allowedMethods,
  allowedHeaders,
  exposeHeaders,
  maxAgeSeconds,
  allowCredentials,
})

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
