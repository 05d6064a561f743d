import { presetOf } from '../cors/presets.ts'
import type { ConsoleForm } from '../dialect/dialect.ts'
import type { RuleModel } from '../rule-file/propose/rule-model.ts'
import { fieldOf, ruleFields } from '../rule-file/spelling.ts'
import type { EditorFinding } from './shapes.ts'

/**
 * Adds the checks of the form to `findings`. Values that the form of the vendor's console refuses become errors, although
 * the file loads.
 */
export function formFindings(
  findings: readonly EditorFinding[],
  rules: readonly RuleModel[],
  form: ConsoleForm,
): EditorFinding[] {
  const raised = findings
    .map(atMissingField)
    .map(
      (finding): EditorFinding =>
        form.refuses.has(finding.code) && finding.severity !== 'error'
          ? { ...finding, severity: 'error', byForm: true }
          : finding,
    )
  const isSaid = (rule: number, code: EditorFinding['code']): boolean =>
    findings.some((finding) => finding.rule === rule && finding.code === code)
  const added = rules.flatMap((model, rule) => [
    ...(form.requiresMaxAge && maxAgeOf(model) === null ? [maxAgeMissing(rule)] : []),
    ...(isSaid(rule, 'write-methods-for-any-origin') ? [] : anyOrigin(model, rule)),
  ])
  return [...raised, ...added]
}

/** Assigns a finding about a missing field to that field of the form, because a missing field has no position in the text. */
function atMissingField(finding: EditorFinding): EditorFinding {
  if (finding.code !== 'missing-key') return finding
  const words = finding.message.split(/[^A-Za-z_]+/)
  const field = words.map((word) => fieldOf(ruleFields, word)).find((found) => found !== undefined)
  return field === undefined ? finding : { ...finding, field }
}

const maxAgeOf = ({ maxAgeSeconds, preset }: RuleModel): string | number | null =>
  maxAgeSeconds ?? (preset === null ? undefined : presetOf(preset)?.maxAgeSeconds) ?? null

const maxAgeMissing = (rule: number): EditorFinding => ({
  ...{ line: 1, column: 1, severity: 'error', code: 'form-max-age', byForm: true },
  message: 'enter a positive number of seconds, for example 600: the COS console requires it',
  ...{ rule, field: 'maxAgeSeconds' },
})

function anyOrigin({ allowedOrigins }: RuleModel, rule: number): EditorFinding[] {
  const entry = allowedOrigins?.indexOf('*') ?? -1
  if (entry < 0) return []
  const message = 'not recommended: * allows the pages of every origin; use it only for public data'
  return [
    {
      ...{ line: 1, column: 1, severity: 'info', code: 'form-any-origin', byForm: true, message },
      ...{ rule, field: 'allowedOrigins', entry },
    },
  ]
}
