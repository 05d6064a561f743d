import { createHash } from 'node:crypto'
import type { Finding } from '../src/plan/finding.ts'
import { codes, type Severity } from '../src/rule-file/lint/codes.ts'

const levels: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' }

/**
 * The findings as one SARIF 2.1.0 log (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), with what
 * GitHub code scanning requires:
 * https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning
 */
export function findingsSarif(findings: readonly Finding[], version: string): string {
  const used = [...new Set(findings.map(({ code }) => code))].sort()
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'cors-sidecar', semanticVersion: version, rules: used.map(ruleOf) } },
        // Columns count UTF-16 code units, as in editors.
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => resultOf(finding, used.indexOf(finding.code))),
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

function ruleOf(code: Finding['code']): object {
  const { severity, text } = codes[code]
  return {
    id: code,
    shortDescription: { text: firstSentence(text) },
    fullDescription: { text },
    help: { text },
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: ['cors', 'security'] },
  }
}

const firstSentence = (text: string): string => /^.*?[.:](?=\s|$)/s.exec(text)?.[0] ?? text

function resultOf({ file, line, column, severity, code, message }: Finding, ruleIndex: number): object {
  return {
    ruleId: code,
    ruleIndex,
    level: levels[severity],
    message: { text: message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file) },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
    // Excludes the line number, so that a finding that only moved stays the same finding.
    partialFingerprints: {
      'corsSidecarFinding/v1': createHash('sha256').update(`${file}\n${code}\n${message}`).digest('hex'),
    },
  }
}

/** A relative path stays relative, so that GitHub finds the file in the repository. */
function uriOf(file: string): string {
  const path = file
    .split(/[\\/]/)
    .filter((part, index) => part !== '.' && (part !== '' || index === 0))
    .map(encodeURIComponent)
    .join('/')
  return path.startsWith('/') ? `file://${path}` : path
}
