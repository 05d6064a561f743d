/** Checks a rule file that someone is editing. Runs in a child process, because the text is untrusted. */

import { z } from 'zod'
import { presetOf } from '../cors/presets.ts'
import type { DialectName } from '../cors/rule.ts'
import { dialectNamed, dialectNames } from '../dialect/named.ts'
import { maxFileBytes } from '../rule-file/bytes.ts'
import { rated } from '../rule-file/lint/codes.ts'
import { type FileFormat, formatOf, readFileName } from '../rule-file/names.ts'
import { unifiedDiff } from '../rule-file/propose/diff.ts'
import { editRule, type RuleEdit } from '../rule-file/propose/edit-rule.ts'
import { formPlaces } from '../rule-file/propose/locate.ts'
import { type RuleModel, readModel } from '../rule-file/propose/rule-model.ts'
import { readRules } from '../rule-file/read.ts'
import { readRuleText } from '../rules/rule-text.ts'
import { formFindings } from './form-findings.ts'
import { json, type Reply } from './reply.ts'
import type { CheckedFile, EditorFinding, FormRule } from './shapes.ts'

interface DraftContext {
  readonly dialect: DialectName
  /** The rules directory; the diff is against the file there. */
  readonly directory: string
}

const ruleIndex = z.int().min(0).max(1000)
const listFields = ['allowedOrigins', 'allowedMethods', 'allowedHeaders', 'exposeHeaders'] as const
const editSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('list'),
    rule: ruleIndex,
    field: z.enum(listFields),
    values: z.array(z.string().max(2048)).max(1000),
  }),
  z.strictObject({
    kind: z.literal('text'),
    rule: ruleIndex,
    field: z.enum(['id', 'preset', 'maxAgeSeconds']),
    value: z.string().max(1024),
  }),
  z.strictObject({ kind: z.literal('add') }),
  z.strictObject({ kind: z.literal('remove'), rule: ruleIndex }),
  z.strictObject({ kind: z.literal('move'), rule: ruleIndex, to: ruleIndex }),
])
const draftSchema = z.strictObject({
  file: z.string().max(256),
  text: z.string().max(maxFileBytes + 1),
  edit: editSchema.optional(),
})

export async function checkDraftReply(body: string, context: DraftContext): Promise<Reply> {
  const draft = draftSchema.safeParse(parseJson(body))
  if (!draft.success)
    return json(400, { error: `The request is not valid: ${z.prettifyError(draft.error).slice(0, 500)}` })
  return json(200, await checkDraft(context, draft.data))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface Draft {
  readonly file: string
  readonly text: string
  readonly edit?: RuleEdit | undefined
}

async function checkDraft(
  { dialect, directory }: DraftContext,
  { file, text, edit }: Draft,
): Promise<CheckedFile> {
  const format = formatOf(file) ?? 'yaml'
  const edited = edit === undefined ? text : editRule(text, format, edit)
  const now = edited ?? text
  const name = readFileName(file)
  const live = name.kind === 'rules' ? await readRuleText(directory, file) : undefined
  const model = readModel(now, format)
  const findings = placedFindings(
    now,
    format,
    readRules(file, new TextEncoder().encode(now), dialect).findings,
  )
  const rules = model?.rules
  const { form, matching } = dialectNamed(dialectIn(model?.others) ?? dialect)
  return {
    file,
    text: now,
    ...(edited === undefined ? { refused: refusedEdit } : {}),
    findings: [...nameFindings(file), ...formFindings(findings, rules ?? [], form)],
    rules: rules?.map(formRule),
    form: { requiresMaxAge: form.requiresMaxAge, otherMethods: matching.methods === 'sendable' },
    others: Object.keys(model?.others ?? {}),
    isNew: live === undefined,
    diff: live === now ? '' : unifiedDiff(file, live, now),
  }
}

/** The dialect that the file sets, even if the file has errors. */
const dialectIn = (others: Readonly<Record<string, unknown>> = {}): DialectName | undefined =>
  dialectNames.find((name) => name === String(others.dialect).toLowerCase())

const refusedEdit =
  'The form cannot make this change without losing a part of the file: edit the text instead.'

function nameFindings(file: string): EditorFinding[] {
  const name = readFileName(file)
  if (name.kind === 'rules') return []
  const message =
    name.kind === 'refused' ? name.finding.message : 'enter the bucket: the rule file is named after it'
  return [{ line: 1, column: 1, ...rated('bucket-name'), message, field: 'bucket' }]
}

function placedFindings(
  text: string,
  format: FileFormat,
  findings: ReturnType<typeof readRules>['findings'],
): EditorFinding[] {
  const placeOf = formPlaces(text, format)
  const lines = text.split(/\r?\n/)
  return findings.map(({ line, column, severity, code, message }) => ({
    ...{ line, column, severity, code, message },
    quoted: (lines[line - 1] ?? '').slice(0, 300),
    ...placeOf(line, column),
  }))
}

/** Adds the values of the preset, which the file does not contain. */
function formRule({ others, ...rule }: RuleModel): FormRule {
  const { purpose: _purpose, ...fromPreset } =
    (rule.preset === null ? undefined : presetOf(rule.preset)) ?? noPreset
  return { ...rule, others: Object.keys(others), fromPreset }
}

const noPreset = { purpose: '' }
