import type { StoreError } from './dialect.ts'

export const signatureDoesNotMatch =
  'The request signature we calculated does not match the signature you provided. Check your key and signing method.'

export const malformedArgument: StoreError = {
  status: 400,
  code: 'InvalidArgument',
  message: 'The authorization that you provided is not valid.',
}

export const tooSkewed: StoreError = {
  status: 403,
  code: 'RequestTimeTooSkewed',
  message: 'The difference between the request time and the current time is too large.',
}

export const notValidYet: StoreError = {
  status: 403,
  code: 'AccessDenied',
  message: 'Request is not valid yet',
}

export const badSha256: StoreError = {
  status: 400,
  code: 'BadDigest',
  message: 'The SHA-256 you specified did not match what we received.',
}

/** The same at COS (cos-nodejs-sdk-v5 issue 29) and OSS (error page 32005). */
export const malformedXml =
  'The XML you provided was not well-formed or did not validate against our published schema.'
