import { describe, expect, test } from 'vitest'
import { readRules } from '../../src/rule-file/read.ts'

const rule = { AllowedOrigins: ['https://a.example'], AllowedMethods: ['GET', 'HEAD'] }
const read = (name: string, value: unknown) => readRules(name, Buffer.from(JSON.stringify(value)), 's3')

describe('what the tools of the S3 family put around the rules', () => {
  test.each([
    ['the parameters of an SDK call', { Bucket: 'photos', CORSConfiguration: { CORSRules: [rule] } }],
    ['a configuration without the call', { CORSConfiguration: { CORSRules: [rule] } }],
    [
      'one rule that is no list, from ossutil',
      {
        CORSRule: { AllowedOrigin: 'https://a.example', AllowedMethod: ['GET', 'HEAD'] },
        ResponseVary: 'false',
      },
    ],
    ['one rule that is no list, beside a plural', { CORSRules: rule }],
    ['both at once', { Bucket: 'photos', CORSConfiguration: { CORSRule: rule } }],
    ['the call of the COS SDK', { Bucket: 'photos', Region: 'ap-guangzhou', CORSRules: [rule] }],
    ['the answer of boto3', { ResponseMetadata: { HTTPStatusCode: 200 }, CORSRules: [rule] }],
    ['the answer of the SDK for JavaScript', { $metadata: { attempts: 1 }, CORSRules: [rule] }],
  ])('%s is read', (_, value) => {
    const { content, findings } = read('photos.json', value)
    expect(findings).toEqual([])
    expect(content?.rules.map(({ allowedOrigins }) => allowedOrigins)).toEqual([['https://a.example']])
  })

  test('fields of the file may stand beside the configuration', () => {
    const { content } = read('photos.json', { CORSConfiguration: { CORSRules: [rule] }, vary: 'dialect' })
    expect(content?.vary).toBe('dialect')
  })

  test('a call for another bucket than the one that the file is named after is a warning', () => {
    const { content, findings } = read('photos.json', { Bucket: 'videos', CORSRules: [rule] })
    expect(content?.rules).toHaveLength(1)
    expect(findings).toEqual([
      expect.objectContaining({
        severity: 'warning',
        code: 'bucket-differs',
        column: 11,
        message: expect.stringContaining('not for "videos"'),
      }),
    ])
  })

  test('Bucket beside rules in our spelling is an error', () => {
    const { content } = read('photos.json', { Bucket: 'photos', rules: [rule] })
    expect(content).toBeUndefined()
  })

  test('an unknown key beside the configuration is an error', () => {
    const { content, findings } = read('photos.json', {
      CORSConfiguration: { CORSRules: [rule] },
      Acl: 'private',
    })
    expect(content).toBeUndefined()
    expect(findings.map(({ code }) => code)).toEqual(['unknown-key'])
  })

  test('in YAML a mapping in place of the list of rules stays an error', () => {
    const { content, findings } = readRules(
      'photos.yaml',
      Buffer.from('CORSRules:\n  AllowedOrigins: ["https://a.example"]\n'),
      's3',
    )
    expect(content).toBeUndefined()
    expect(findings.map(({ code }) => code)).toContain('wrong-type')
  })
})
