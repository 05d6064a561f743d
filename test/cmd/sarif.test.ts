import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { findingsSarif } from '../../cmd/findings-sarif.ts'
import type { Finding } from '../../src/plan/finding.ts'
import { codes, isCode } from '../../src/rule-file/lint/codes.ts'
import { readRules } from '../../src/rule-file/read.ts'

/**
 * OASIS's schema from a Microsoft package. Its draft 04 is compatible with a newer validator except for two keys.
 */
const {
  $schema: _,
  id: __,
  ...schema
} = JSON.parse(
  readFileSync(
    createRequire(import.meta.url).resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'),
    'utf8',
  ),
)
const isValid = new Ajv({
  strict: false,
  validateFormats: false,
  unicodeRegExp: false,
  allErrors: true,
}).compile(schema)

interface Log {
  readonly version: string
  readonly runs: readonly [
    {
      readonly tool: {
        readonly driver: { readonly name: string; readonly rules: readonly { readonly id: string }[] }
      }
      readonly results: readonly {
        readonly ruleId: string
        readonly ruleIndex: number
        readonly level: string
        readonly message: { readonly text: string }
        readonly locations: readonly [
          {
            readonly physicalLocation: {
              readonly artifactLocation: { readonly uri: string }
              readonly region: { readonly startLine: number; readonly startColumn: number }
            }
          },
        ]
        readonly partialFingerprints: Readonly<Record<string, string>>
      }[]
    },
  ]
}

const logOf = (findings: readonly Finding[]): Log => {
  const log: Log = JSON.parse(findingsSarif(findings, '1.2.3'))
  isValid(log)
  expect(isValid.errors ?? []).toEqual([])
  return log
}

const finding = (parts: Partial<Finding> = {}): Finding => ({
  file: 'rules/photos.yaml',
  line: 3,
  column: 7,
  severity: 'warning',
  code: 'etag-not-exposed',
  message: 'add ETag',
  ...parts,
})

describe('findings as SARIF', () => {
  test('a run without findings is a valid log without results and rules', () => {
    const { runs } = logOf([])
    expect(runs[0].results).toEqual([])
    expect(runs[0].tool.driver).toMatchObject({ name: 'cors-sidecar', rules: [] })
  })

  test('every code of the table makes a valid rule and result', () => {
    const all = Object.keys(codes)
      .filter(isCode)
      .map((code) => finding({ code }))
    const [run] = logOf(all).runs
    expect(
      run.results.map(({ ruleId, ruleIndex }) => run.tool.driver.rules[ruleIndex]?.id === ruleId),
    ).toEqual(all.map(() => true))
  })

  test.each([
    ['error', 'error'],
    ['warning', 'warning'],
    ['info', 'note'],
  ] as const)('an %s has the level %s', (severity, level) => {
    expect(logOf([finding({ severity })]).runs[0].results[0]?.level).toBe(level)
  })

  test.each([
    ['rules/photos.yaml', 'rules/photos.yaml'],
    ['./rules/photos.yaml', 'rules/photos.yaml'],
    ['rules/with space#1.yaml', 'rules/with%20space%231.yaml'],
    ['/etc/cors/photos.yaml', 'file:///etc/cors/photos.yaml'],
  ])('%s becomes the URI %s', (file, uri) => {
    const [result] = logOf([finding({ file })]).runs[0].results
    expect(result?.locations[0].physicalLocation.artifactLocation.uri).toBe(uri)
  })

  test('a finding that moved to another line has the same fingerprint, another finding has not', () => {
    const [a, b, c] = logOf([finding(), finding({ line: 9 }), finding({ message: 'other' })]).runs[0].results
    expect(a?.partialFingerprints).toEqual(b?.partialFingerprints)
    expect(a?.partialFingerprints).not.toEqual(c?.partialFingerprints)
  })

  test('hostile text of a rule file stays inside its string', () => {
    const text =
      'rules:\n  - allowedOrigins: ["https://a\u0085\u202e.example\\u0000"]\n    allowedMethods: [GET]\n'
    const { findings } = readRules('a.yaml', Buffer.from(text), 's3')
    expect(findings.length).toBeGreaterThan(0)
    expect(logOf(findings).runs[0].results).toHaveLength(findings.length)
  })
})
