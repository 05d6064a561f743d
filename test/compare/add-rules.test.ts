import { expect, test } from 'vitest'
import { addRules } from '../../src/compare/add-rules.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { rule, ruleFile } from '../core.ts'

const added = ruleFile({ rules: [rule({ id: 'app' })] })

test.each(['yaml', 'json'] as const)('an id that is taken gets the first free suffix, in %s', (format) => {
  let text =
    format === 'yaml'
      ? 'rules:\n  - id: app\n    allowedOrigins: ["https://a.example"]\n    allowedMethods: [GET]\n'
      : '{"rules": [{"id": "app", "allowedOrigins": ["https://a.example"], "allowedMethods": ["GET"]}]}\n'
  for (let round = 0; round < 2; round++) {
    const { content } = readRules(`a.${format}`, new TextEncoder().encode(text), 's3')
    if (content === undefined) throw new Error('the file cannot be read')
    text = addRules(text, format, content, added, 's3').text
  }
  const { content } = readRules(`a.${format}`, new TextEncoder().encode(text), 's3')
  expect(content?.rules.map(({ id }) => id)).toEqual(['app', 'app-suggested', 'app-suggested-2'])
})
