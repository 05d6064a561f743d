import { createHash, createHmac } from 'node:crypto'
import type { DialectName } from '../../src/cors/rule.ts'

/** The key pair of test calls; never a real one. */
export const accessKeyId = 'AKIDEXAMPLE'
export const secret = 'secret/with+signs'

export interface Unsigned {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly bucket: string
}

/** Header lines that sign a call of the API in the scheme of `dialect`. */
export function sign(
  dialect: DialectName,
  call: Unsigned,
  key = secret,
  at = Date.now(),
): Record<string, string> {
  switch (dialect) {
    case 'cos':
      return signCos(call, key, at)
    case 'oss':
      return signOss(call, key, at)
    case 's3':
      return signS3(call, key, at)
    default:
      throw new Error(`no signature for ${dialect}`)
  }
}

function signCos({ method, target, host }: Unsigned, key: string, at: number): Record<string, string> {
  const start = Math.floor(at / 1000)
  const keyTime = `${start};${start + 900}`
  const path = decodeURIComponent(target.replace(/\?.*/, ''))
  const text = `${method.toLowerCase()}\n${path}\ncors=\nhost=${encodeURIComponent(host)}\n`
  const signKey = createHmac('sha1', key).update(keyTime).digest('hex')
  const hashed = createHash('sha1').update(text).digest('hex')
  const signature = createHmac('sha1', signKey).update(`sha1\n${keyTime}\n${hashed}\n`).digest('hex')
  const fields = [
    'q-sign-algorithm=sha1',
    `q-ak=${accessKeyId}`,
    `q-sign-time=${keyTime}`,
    `q-key-time=${keyTime}`,
    'q-header-list=host',
    'q-url-param-list=cors',
    `q-signature=${signature}`,
  ]
  return { Authorization: fields.join('&') }
}

function signOss(
  { method, headers = {}, bucket }: Unsigned,
  key: string,
  at: number,
): Record<string, string> {
  const date = new Date(at).toUTCString()
  const header = (name: string): string =>
    Object.entries(headers).find(([line]) => line.toLowerCase() === name)?.[1] ?? ''
  const text = [method, header('content-md5'), header('content-type'), date, `/${bucket}/?cors`].join('\n')
  const signature = createHmac('sha1', key).update(text).digest('base64')
  return { Date: date, Authorization: `OSS ${accessKeyId}:${signature}` }
}

function signS3(
  { method, target, host, body = '' }: Unsigned,
  key: string,
  at: number,
): Record<string, string> {
  const timestamp = new Date(at).toISOString().replace(/\.[0-9]+|[-:]/g, '')
  const hash = createHash('sha256').update(body).digest('hex')
  const path = target.replace(/\?.*/, '')
  const names = 'host;x-amz-content-sha256;x-amz-date'
  const lines = `host:${host}\nx-amz-content-sha256:${hash}\nx-amz-date:${timestamp}\n`
  const request = [method, path, 'cors=', lines, names, hash].join('\n')
  const scope = [timestamp.slice(0, 8), 'us-east-1', 's3', 'aws4_request']
  const hashed = createHash('sha256').update(request).digest('hex')
  const text = ['AWS4-HMAC-SHA256', timestamp, scope.join('/'), hashed].join('\n')
  const derived = scope.reduce<string | Buffer>(
    (from, part) => createHmac('sha256', from).update(part).digest(),
    `AWS4${key}`,
  )
  const signature = createHmac('sha256', derived).update(text).digest('hex')
  return {
    'x-amz-date': timestamp,
    'x-amz-content-sha256': hash,
    Authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature}`,
  }
}
