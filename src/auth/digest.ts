import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

// Hashed text holds one byte per character (Latin-1). Secrets are UTF-8 text.

export const sha1Hex = (bytes: string): string => createHash('sha1').update(bytes, 'latin1').digest('hex')

export const sha256Hex = (bytes: string | Uint8Array): string =>
  typeof bytes === 'string'
    ? createHash('sha256').update(bytes, 'latin1').digest('hex')
    : createHash('sha256').update(bytes).digest('hex')

export const md5Hex = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

export const hmacSha1 = (key: string, bytes: string): Buffer =>
  createHmac('sha1', key).update(bytes, 'latin1').digest()

export const hmacSha256 = (key: string | Uint8Array, bytes: string): Buffer =>
  createHmac('sha256', key).update(bytes, 'latin1').digest()

/** The signing key of the V4 schemes: HMAC of the prefixed secret over each part of the scope in turn. */
export function deriveKey(prefixedSecret: string, scope: readonly string[]): Buffer {
  return scope.reduce<Buffer>((key, part) => hmacSha256(key, part), Buffer.from(prefixedSecret, 'utf8'))
}

/** Compares signatures in a time that depends only on their lengths. */
export function sameSignature(presented: string, expected: string): boolean {
  const left = Buffer.from(presented, 'latin1')
  const right = Buffer.from(expected, 'latin1')
  return left.length === right.length && timingSafeEqual(left, right)
}
