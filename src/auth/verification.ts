/** A key that may call the bucket CORS API. */
export interface AccessKey {
  readonly id: string
  readonly secret: string
  /** The buckets whose CORS API it may call; `undefined`: every bucket. */
  readonly buckets: readonly string[] | undefined
}

/** By id. */
export type AccessKeys = ReadonlyMap<string, AccessKey>

export type Refusal =
  | 'unsigned'
  | 'unsupported'
  /** Authorization twice, or together with a signed query: two readers could pick different ones. */
  | 'two-credentials'
  /** Not in the form that the scheme documents, or beyond the bounds. */
  | 'malformed'
  /** The signature does not cover Host, the date or the operation. */
  | 'not-covered'
  | 'unknown-key'
  /** The request time differs from our clock by more than 15 minutes. */
  | 'skewed'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-signature'
  /** Content-MD5 or the SHA-256 header is not a digest. */
  | 'invalid-digest'
  /** The signature is valid, but the key may not use this bucket. */
  | 'bucket-not-allowed'
  /**
   * The signature is valid but covers no bucket name (COS over the bare path), and the key does not name this
   * bucket.
   */
  | 'bucket-not-named'

/** A digest of the body that the request states. */
export interface BodyDigest {
  readonly algorithm: 'md5' | 'sha256'
  /** Lower-case hexadecimal. */
  readonly hex: string
}

export type Verification =
  | {
      readonly kind: 'verified'
      readonly accessKeyId: string
      /** To be compared with the body once it has been read: see `compareBody`. */
      readonly digests: readonly BodyDigest[]
    }
  /**
   * The signature covers the body, and no header contains its SHA-256. Read the body and verify again with
   * `bodySha256`.
   */
  | { readonly kind: 'body-needed' }
  | { readonly kind: 'refused'; readonly why: Refusal }

/** When a signature is valid, in seconds since 1970. */
export type Validity =
  | { readonly kind: 'signed-at'; readonly unixSeconds: number }
  | { readonly kind: 'window'; readonly from: number; readonly until: number }

/** How far a client's clock may be off (S3 and OSS: RequestTimeTooSkewed). */
export const maxSkewSeconds = 15 * 60

/** Longest life of a presigned request (SigV4 X-Amz-Expires, OSS x-oss-expires). */
export const maxPresignedSeconds = 7 * 24 * 60 * 60

/** Why a signature is not valid at `unixSeconds`; `undefined` when it is. */
export function untimely(validity: Validity, unixSeconds: number): Refusal | undefined {
  switch (validity.kind) {
    case 'signed-at':
      return Math.abs(unixSeconds - validity.unixSeconds) > maxSkewSeconds ? 'skewed' : undefined
    case 'window':
      if (unixSeconds < validity.from) return 'not-yet-valid'
      return unixSeconds > validity.until ? 'expired' : undefined
  }
}
