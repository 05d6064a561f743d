import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SignedRequest } from '../../src/auth/request-parts.ts'
import type { AccessKeys } from '../../src/auth/verification.ts'
import { compareBody, verify } from '../../src/auth/verify.ts'
import { type Captured, signedRequest, startCapture } from './capture.ts'
import { accessKeyId, type SignedCall, secret, signedCalls } from './clients.ts'

let capture: Awaited<ReturnType<typeof startCapture>>
beforeAll(async () => {
  capture = await startCapture()
})
afterAll(() => capture.close())

const now = (): number => Math.floor(Date.now() / 1000)
const keysFor = (buckets: readonly string[] | undefined): AccessKeys =>
  new Map([[accessKeyId, { id: accessKeyId, secret, buckets }]])

const requests = new Map<string, Captured>()
async function captured(call: SignedCall): Promise<Captured> {
  const known = requests.get(call.name)
  if (known !== undefined) return known
  const fresh = await capture.take(() => call.send(capture.port))
  requests.set(call.name, fresh)
  return fresh
}

const refusalOf = (request: SignedRequest, keys: AccessKeys, at = now()): string => {
  const verdict = verify(request, keys, at)
  return verdict.kind === 'refused' ? verdict.why : verdict.kind
}

describe.each(signedCalls)('$name', (call) => {
  const keys = keysFor(call.tied === true ? [call.bucket] : undefined)

  test('verifies, and the hash of its body matches', async () => {
    const request = await captured(call)
    const verdict = verify(signedRequest(request, call.bucket, call.byHost), keys, now())
    expect(verdict).toMatchObject({ kind: 'verified', accessKeyId })
    if (verdict.kind === 'verified') expect(compareBody(verdict.digests, request.body)).toBeUndefined()
  })

  test('verifies for a key that names the bucket, and not for one that names another', async () => {
    const request = signedRequest(await captured(call), call.bucket, call.byHost)
    expect(refusalOf(request, keysFor(['other', call.bucket]))).toBe('verified')
    const wrong = refusalOf(request, keysFor(['other']))
    expect(wrong).toBe(call.tied === true ? 'bucket-not-named' : 'bucket-not-allowed')
  })

  test('is refused with any byte of the secret changed', async () => {
    const request = signedRequest(await captured(call), call.bucket, call.byHost)
    for (let i = 0; i < secret.length; i++) {
      const wrong = keysWith(changed(secret, i), call)
      expect(refusalOf(request, wrong), `byte ${i}`).toBe('wrong-signature')
    }
  })

  test('is refused with any byte of Authorization or of the signed query changed', async () => {
    const request = signedRequest(await captured(call), call.bucket, call.byHost)
    const at = request.headers.findIndex((name) => name.toLowerCase() === 'authorization')
    const authorization = request.headers[at + 1] ?? ''
    if (at >= 0)
      for (let i = 0; i < authorization.length; i++) {
        const headers = request.headers.with(at + 1, changed(authorization, i))
        expect(refusalOf({ ...request, headers }, keys), `byte ${i}`).not.toBe('verified')
      }
    const mark = request.target.indexOf('?')
    for (let i = mark + 1; i < request.target.length; i++)
      expect(refusalOf({ ...request, target: changed(request.target, i) }, keys), `byte ${i}`).not.toBe(
        'verified',
      )
  })

  test('is refused with another method, path or bucket, or with an additional parameter that its scheme signs', async () => {
    const request = signedRequest(await captured(call), call.bucket, call.byHost)
    for (const method of ['GET', 'PUT', 'DELETE', 'HEAD'].filter((name) => name !== request.method))
      expect(refusalOf({ ...request, method }, keys)).toBe('wrong-signature')
    const path = request.target.replace(/\?.*/, '')
    for (let i = 0; i < path.length; i++) {
      const other = changed(path, i)
      const bucket = call.byHost ? call.bucket : other.replaceAll('/', '')
      const target = other + request.target.slice(path.length)
      expect(refusalOf({ ...request, target, bucket }, keys), target).not.toBe('verified')
    }
    // A COS signature covers only the parameters that its q-url-param-list names.
    expect(refusalOf({ ...request, target: `${request.target}&lifecycle` }, keys)).toMatch(
      call.name.startsWith('cos') ? /verified/ : /wrong-signature/,
    )
  })

  test('is refused with any byte of a signed header changed, with the header gone, and with it twice', async () => {
    const request = signedRequest(await captured(call), call.bucket, call.byHost)
    const names = signedHeaderNames(request)
    expect(names.length).toBeGreaterThan(call.name.startsWith('oss') ? -1 : 0)
    for (const name of names) {
      const at = request.headers.findIndex((line, i) => i % 2 === 0 && line.toLowerCase() === name)
      const value = request.headers[at + 1] ?? ''
      for (let i = 0; i < value.length; i++) {
        const headers = request.headers.with(at + 1, changed(value, i))
        expect(refusalOf({ ...request, headers }, keys), `${name} byte ${i}`).not.toBe('verified')
      }
      const gone = request.headers.toSpliced(at, 2)
      expect(refusalOf({ ...request, headers: gone }, keys), `${name} gone`).not.toBe('verified')
      const twice = [...request.headers, name, value]
      expect(refusalOf({ ...request, headers: twice }, keys), `${name} twice`).not.toBe('verified')
    }
  })

  test('is refused if the request has a second credential', async () => {
    const request = signedRequest(await captured(call), call.bucket, call.byHost)
    const second = { ...request, headers: [...request.headers, 'Authorization', 'OSS AK:xxx'] }
    expect(refusalOf(second, keys)).toBe('two-credentials')
    for (const name of ['X-Amz-Signature', 'x-oss-signature', 'OSSAccessKeyId', 'AWSAccessKeyId', 'q-ak']) {
      const target = `${request.target}&${name}=1`
      expect(refusalOf({ ...request, target }, keys), name).toMatch(/two-credentials|malformed/)
    }
  })

  test('is refused after it has expired, and by a server whose clock is far behind', async () => {
    const request = signedRequest(await captured(call), call.bucket, call.byHost)
    const day = 86_400
    expect(refusalOf(request, keys, now() + day)).toMatch(/skewed|expired/)
    // A signed V1 URL contains its expiry, but not when it was signed.
    const behind = refusalOf(request, keys, now() - 8 * day)
    expect(behind).toMatch(call.name.startsWith('oss v1 query') ? /malformed/ : /skewed|not-yet-valid/)
  })

  test('is refused if its access key is unknown', async () => {
    const request = signedRequest(await captured(call), call.bucket, call.byHost)
    expect(refusalOf(request, new Map())).toBe('unknown-key')
  })
})

const keysWith = (other: string, call: SignedCall): AccessKeys =>
  new Map([
    [
      accessKeyId,
      { id: accessKeyId, secret: other, buckets: call.tied === true ? [call.bucket] : undefined },
    ],
  ])

/** `text` with byte `i` replaced by another one that is valid in headers and targets. */
const changed = (text: string, i: number): string =>
  `${text.slice(0, i)}${text[i] === 'x' ? 'y' : 'x'}${text.slice(i + 1)}`

/** The headers that the request's own scheme signs. */
function signedHeaderNames({ headers, target }: SignedRequest): string[] {
  const present = headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  const at = present.indexOf('authorization')
  const credential = decodeURIComponent(at < 0 ? target : (headers[2 * at + 1] ?? ''))
  const list = /(?:SignedHeaders=|q-header-list=)([^&, ]+)/.exec(credential)
  if (list !== null) return (list[1] ?? '').split(';')
  return present.filter((name) => /^(content-md5|content-type|x-oss-.*)$/.test(name))
}
