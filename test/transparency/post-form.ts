import { createHmac } from 'node:crypto'
import type { Checked } from './check-request.ts'
import { headerValue, type Received } from './received.ts'
import { dateOf, type Key, sigV4Signer } from './second-opinion.ts'

/** The file of a form upload, with the form's other fields. */
export interface PostedForm {
  readonly fields: Readonly<Record<string, string>>
  readonly name: string
  readonly content: Buffer
}

/** Parses a `multipart/form-data` body; `undefined` when it is not one or contains no file. */
export async function readForm(received: Received): Promise<PostedForm | undefined> {
  const type = headerValue(received, 'content-type') ?? ''
  if (!type.startsWith('multipart/form-data')) return undefined
  try {
    const form = await new Response(new Uint8Array(received.body), {
      headers: { 'Content-Type': type },
    }).formData()
    const file = form.get('file')
    if (!(file instanceof File)) return undefined
    const fields: Record<string, string> = {}
    for (const [name, value] of form) if (typeof value === 'string') fields[name] = value
    return { fields, name: file.name, content: Buffer.from(await file.arrayBuffer()) }
  } catch {
    return undefined
  }
}

const refused = (why: string, code = 'AccessDenied'): Checked => ({ kind: 'refused', code, why })

/** Checks the signature of a form's policy, and that the policy allows every field. */
export async function checkForm(form: PostedForm, bucket: string, key: Key): Promise<Checked> {
  const { fields, content } = form
  const policy = fields.policy ?? fields.Policy ?? ''
  const signature = await checkPolicySignature(form, policy, key)
  if (signature === undefined) return refused('the policy', 'SignatureDoesNotMatch')
  const { expiration, conditions }: Policy = JSON.parse(Buffer.from(policy, 'base64').toString('utf8'))
  if (Date.parse(expiration) < Date.now()) return refused('the policy has expired')
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(fields)) values[name.toLowerCase()] = value
  values.bucket = bucket
  const named = new Set(conditions.flatMap(namesOf))
  for (const name of Object.keys(values))
    if (!named.has(name) && !exempt.test(name)) return refused(`the policy does not name ${name}`)
  const broken = conditions.find((condition) => !holds(condition, values, content.length))
  if (broken !== undefined) return refused(`a condition: ${JSON.stringify(broken)}`)
  return { kind: 'good', proofs: [signature], content }
}

interface Policy {
  readonly expiration: string
  readonly conditions: readonly Condition[]
}
type Condition = readonly [string, string | number, string | number] | Readonly<Record<string, string>>

/** Fields that a policy need not name (S3 API reference, "POST policy"; OSS PostObject). */
const exempt = /^(?:x-amz-signature|x-oss-signature|signature|ossaccesskeyid|policy|file|bucket|x-ignore-.*)$/

const nameOf = (text: string | number): string => String(text).replace(/^\$/, '').toLowerCase()

function namesOf(condition: Condition): string[] {
  if (isTriple(condition)) return [nameOf(condition[1])]
  return Object.keys(condition).map(nameOf)
}

function isTriple(condition: Condition): condition is readonly [string, string | number, string | number] {
  return Array.isArray(condition)
}

function holds(condition: Condition, values: Readonly<Record<string, string>>, length: number): boolean {
  if (!isTriple(condition))
    return Object.entries(condition).every(([name, value]) => values[nameOf(name)] === value)
  const [operator, left, right] = condition
  if (operator === 'content-length-range') return length >= Number(left) && length <= Number(right)
  const value = values[nameOf(left)] ?? ''
  return operator === 'eq' ? value === right : operator === 'starts-with' && value.startsWith(String(right))
}

/** The scheme of the policy's signature; `undefined` when it has no valid one. */
async function checkPolicySignature(
  { fields }: PostedForm,
  policy: string,
  key: Key,
): Promise<string | undefined> {
  const field = (name: string): string =>
    Object.entries(fields).find(([given]) => given.toLowerCase() === name)?.[1] ?? ''
  const [id, date = '', region = ''] = field('x-amz-credential').split('/')
  if (id === key.id && field('x-amz-algorithm') === 'AWS4-HMAC-SHA256') {
    const derived = derive(`AWS4${key.secret}`, [date, region, 's3', 'aws4_request'])
    const signingDate = dateOf(field('x-amz-date'))
    const expected = [
      createHmac('sha256', derived).update(policy).digest('hex'),
      await sigV4Signer(key, region).sign(policy, { signingDate }),
    ]
    return expected.every((value) => value === field('x-amz-signature')) ? 'sigv4 form' : undefined
  }
  const [ossId, ossDate = '', ossRegion = ''] = field('x-oss-credential').split('/')
  if (ossId === key.id && field('x-oss-signature-version') === 'OSS4-HMAC-SHA256') {
    const derived = derive(`aliyun_v4${key.secret}`, [ossDate, ossRegion, 'oss', 'aliyun_v4_request'])
    const expected = createHmac('sha256', derived).update(policy).digest('hex')
    return expected === field('x-oss-signature') ? 'oss v4 form' : undefined
  }
  const expected = createHmac('sha1', key.secret).update(policy).digest('base64')
  const isV1 = field('ossaccesskeyid') === key.id && expected === field('signature')
  return isV1 ? 'oss v1 form' : undefined
}

const derive = (secret: string, scope: readonly string[]): Buffer | string =>
  scope.reduce<Buffer | string>((from, part) => createHmac('sha256', from).update(part).digest(), secret)
