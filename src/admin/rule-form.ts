import { z } from 'zod'
import type { DialectName } from '../cors/rule.ts'
import { corsMethods } from '../cors/rule.ts'
import { readFileName } from '../rule-file/names.ts'
import { readRules } from '../rule-file/read.ts'
import { json, type Reply } from './reply.ts'
import type { CheckedForm, FormFinding, RuleForm } from './shapes.ts'

const entries = z.array(z.string().max(2048)).max(500)

const formSchema = z.strictObject({
  bucket: z.string().max(256),
  id: z.string().max(1024),
  allowedOrigins: entries,
  allowedMethods: z.array(z.enum(corsMethods)).max(corsMethods.length),
  allowedHeaders: entries,
  exposeHeaders: entries,
  maxAgeSeconds: z.string().max(64),
})

/** `/-/check`: the fields of the rule form as a rule file, with what `check` says of that file. */
export function checkFormReply(body: string, dialect: DialectName): Reply {
  const form = formSchema.safeParse(parseJson(body))
  return form.success
    ? json(200, checkForm(form.data, dialect))
    : json(400, { error: `Not the fields of the rule form: ${z.prettifyError(form.error).slice(0, 500)}` })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One line of the file, and the field that it comes from. */
interface FormLine {
  readonly text: string
  readonly field?: keyof RuleForm
  readonly entry?: number
}

export function checkForm(form: RuleForm, dialect: DialectName): CheckedForm {
  const lines = formLines(form)
  const yaml = `${lines.map(({ text }) => text).join('\n')}\n`
  const file = `${form.bucket === '' ? 'BUCKET' : form.bucket}.yaml`
  const findings = readRules(file, new TextEncoder().encode(yaml), dialect).findings.map(
    (found): FormFinding => {
      const { file: _file, ...told } = found
      // What the vendor's own form refuses, this one does.
      const finding = told.code === 'header-underscore' ? { ...told, severity: 'error' as const } : told
      const line = lines[finding.line - 1]
      return { ...finding, field: line?.field, entry: line?.entry }
    },
  )
  return { file, yaml, findings: [...nameFindings(form.bucket), ...findings] }
}

function nameFindings(bucket: string): FormFinding[] {
  const name = bucket === '' ? undefined : readFileName(`${bucket}.yaml`)
  if (name?.kind === 'rules') return []
  const message =
    name?.kind === 'refused' ? name.finding.message : 'name the bucket: the rule file is named after it'
  return [
    {
      line: 1,
      column: 1,
      severity: 'error',
      code: 'bucket-name',
      message,
      field: 'bucket',
      entry: undefined,
    },
  ]
}

/** One line for each entry, so that the line of a finding tells whose it is. */
function formLines({
  id,
  allowedOrigins,
  allowedMethods,
  allowedHeaders,
  exposeHeaders,
  maxAgeSeconds,
}: RuleForm): FormLine[] {
  const list = (field: keyof RuleForm, values: readonly string[]): FormLine[] => [
    { text: `    ${field}:`, field },
    ...values.map((value, index) => ({ text: `      - ${scalar(value)}`, field, entry: index + 1 })),
  ]
  const optional = (field: keyof RuleForm, values: readonly string[]): FormLine[] =>
    values.length === 0 ? [] : list(field, values)
  const seconds = maxAgeSeconds.trim()
  const lines: FormLine[] = [
    ...(id.trim() === '' ? [] : [{ text: `    id: ${scalar(id.trim())}`, field: 'id' as const }]),
    ...(allowedOrigins.length === 0
      ? [{ text: '    allowedOrigins: []', field: 'allowedOrigins' as const }]
      : list('allowedOrigins', allowedOrigins)),
    { text: `    allowedMethods: [${allowedMethods.join(', ')}]`, field: 'allowedMethods' },
    ...optional('allowedHeaders', allowedHeaders),
    ...optional('exposeHeaders', exposeHeaders),
    ...(seconds === ''
      ? []
      : [
          {
            text: `    maxAgeSeconds: ${/^\d{1,15}$/.test(seconds) ? seconds : scalar(seconds)}`,
            field: 'maxAgeSeconds' as const,
          },
        ]),
  ]
  return [
    { text: 'rules:' },
    ...lines.map((line, index) => (index === 0 ? { ...line, text: `  - ${line.text.slice(4)}` } : line)),
  ]
}

/** A YAML scalar: plain where nothing can be made of it but itself, else in quotes as JSON, which YAML reads alike. */
const scalar = (text: string): string =>
  /^[A-Za-z][A-Za-z0-9-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text.toWellFormed())
