import { describe, expect, test } from 'vitest'
import { oss } from '../../src/dialect/oss.ts'
import { headerMap, identity } from '../core.ts'

const context = { identity, requestId: 'ID', method: 'PUT', host: 'photos.oss.test', path: '/' }
const error = { status: 400, code: 'MalformedXML', message: 'm' }

describe('the EC of an error', () => {
  test.each([
    ['of its code', { ...error, code: 'NoSuchCORSConfiguration' }, [], '0034-00000001'],
    ['of its cause', error, [['EC', '0034-00000002']], '0034-00000002'],
  ] as const)('%s stands in the header and, once, in the body', (_, what, fields, ec) => {
    const { headers, body } = oss.error(what, context, fields)
    expect(headerMap(headers).get('x-oss-ec')).toEqual([ec])
    expect(body.split('<EC>')).toHaveLength(2)
    expect(body).toContain(
      `  <HostId>photos.oss.test</HostId>\n  <EC>${ec}</EC>\n  <RecommendDoc>https://api.aliyun.com/troubleshoot?q=${ec}</RecommendDoc>\n</Error>`,
    )
  })

  test('is absent if OSS documents none', () => {
    const { headers, body } = oss.error(error, context)
    expect(headerMap(headers).has('x-oss-ec')).toBe(false)
    expect(body).not.toContain('<EC>')
  })
})
