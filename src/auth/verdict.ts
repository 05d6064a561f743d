/** One key that may call the bucket CORS API. */
export interface AccessKey {
  readonly id: string
  readonly secret: string
  /** The buckets it may change; `undefined`: every bucket. */
  readonly buckets: readonly string[] | undefined
}

/** Access keys by their id. */
export type AccessKeys = ReadonlyMap<string, AccessKey>

/** The closed set of reasons why a request is not taken for what it claims to be. */
export type Refusal =
  /** No credential at all. */
  | 'unsigned'
  /** A scheme that is not spoken here. */
  | 'unsupported'
  /** Authorization twice, or beside a signed query: two readers could believe two different ones. */
  | 'two-credentials'
  /** Not what the scheme's document says, or beyond the bounds. */
  | 'malformed'
  /** The signature leaves out Host, the date or the operation itself. */
  | 'not-covered'
  | 'unknown-key'
  /** Date and clock are more than 15 minutes apart. */
  | 'skewed'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-signature'
  /** Content-MD5 or the SHA-256 header is not a digest. */
  | 'invalid-digest'
  /** The signature is right, but the key is not for this bucket. */
  | 'bucket-not-allowed'
  /** The signature is right but names no bucket (COS over the bare path), and the key is not tied to this one. */
  | 'bucket-not-named'

/** A digest of the body that the request states. */
export interface BodyDigest {
  readonly algorithm: 'md5' | 'sha256'
  /** Lower-case hexadecimal. */
  readonly hex: string
}

/** What verifying a signature comes to. */
export type Verdict =
  | {
      readonly kind: 'verified'
      readonly accessKeyId: string
      /** Still to be compared with the body, once it has been read: see `compareBody`. */
      readonly digests: readonly BodyDigest[]
    }
  /** The signature covers the body and no header states its SHA-256: read the body and ask again with `bodySha256`. */
  | { readonly kind: 'body-needed' }
  | { readonly kind: 'refused'; readonly why: Refusal }

/** When a signature is good, in seconds since 1970. */
export type Validity =
  | { readonly kind: 'signed-at'; readonly unixSeconds: number }
  | { readonly kind: 'window'; readonly from: number; readonly until: number }

/** How far a client's clock may be off (S3 RequestTimeTooSkewed; OSS RequestTimeTooSkewed). */
export const maxSkewSeconds = 15 * 60

/** Longest life of a presigned request (SigV4 X-Amz-Expires, OSS x-oss-expires). */
export const maxPresignedSeconds = 7 * 24 * 60 * 60

/** Why a signature of this validity is not good at `unixSeconds`; `undefined` when it is. */
export function untimely(validity: Validity, unixSeconds: number): Refusal | undefined {
  switch (validity.kind) {
    case 'signed-at':
      return Math.abs(unixSeconds - validity.unixSeconds) > maxSkewSeconds ? 'skewed' : undefined
    case 'window':
      if (unixSeconds < validity.from) return 'not-yet-valid'
      return unixSeconds > validity.until ? 'expired' : undefined
  }
}
