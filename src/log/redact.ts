import { percentDecode } from '../text/percent.ts'

const redacted = '[redacted]'

/**
 * Names of headers, fields and parameters whose values sign a request, name the signing key, or log somebody in: S3
 * V2 and V4, COS and OSS signatures in header and query, Google's and Azure's, bearer tokens, cookies.
 */
const secretName =
  /authorization|cookie|signature|credential|token|secret|passw|pwd|jwt|access[-_]?key|api[-_]?key|customer-key|session|googleaccessid|^(?:sig|sign|q-ak|auth)$/i

/** Whether the value named `name` must be hidden. `name` may be percent-encoded. */
export function isSecretName(name: string): boolean {
  const decoded = percentDecode(name)
  // A name that cannot be decoded may be any name.
  return decoded === undefined || secretName.test(decoded)
}

/**
 * Query parameters whose values are shown, in lower case. An allowlist, because a list of secret names would never
 * be complete. From the S3, COS and OSS API references: parameters that list objects, select a part or version, or
 * override a response header, and signature fields that contain neither the signature nor a key.
 */
const shownParameters = new Set(
  (
    'allow-unordered attributes delimiter encoding-type expires fetch-owner key-marker list-type marker max-buckets ' +
    'max-keys max-parts max-uploads part-number-marker partnumber prefix q-header-list q-key-time q-sign-algorithm ' +
    'q-sign-time q-url-param-list response-cache-control response-content-disposition response-content-encoding ' +
    'response-content-language response-content-type response-expires select-type start-after upload-id-marker ' +
    'uploadid version-id-marker versionid x-amz-algorithm x-amz-checksum-mode x-amz-content-sha256 x-amz-date ' +
    'x-amz-expires x-amz-sdk-checksum-algorithm x-amz-signedheaders x-id x-oss-additional-headers x-oss-date ' +
    'x-oss-expires x-oss-process x-oss-signature-version'
  ).split(' '),
)

/** Sub-resources from the same references that have no value. */
const shownAlone = new Set(
  (
    'acl accelerate analytics append attributes bucketinfo cname cors delete domain encryption intelligent-tiering ' +
    'inventory legal-hold lifecycle live location logging metrics notification object-lock objectmeta ' +
    'ownershipcontrols policy policystatus publicaccessblock referer replication requestpayment restore retention ' +
    'select stat symlink tagging torrent uploads versioning versions website worm'
  ).split(' '),
)

/**
 * Redacts a query (without its question mark): every value is replaced unless its parameter is known to be
 * harmless. Stops once the result is longer than `length` characters.
 */
export function redactQuery(query: string, length = Infinity): string {
  let out = ''
  // Some servers separate parameters with ";" as well.
  for (const [piece, separators] of query.matchAll(/([&;]+)|[^&;]+/g)) {
    out += separators ?? redactParameter(piece)
    if (out.length > length) break
  }
  return out
}

function redactParameter(parameter: string): string {
  const equals = parameter.indexOf('=')
  const name = equals < 0 ? parameter : parameter.slice(0, equals)
  const known = percentDecode(name)?.toLowerCase() ?? ''
  // A name without a value may itself be the secret, and so may base64 text that ends with "=".
  if (/^=*$/.test(parameter.slice(name.length)))
    return shownAlone.has(known) || shownParameters.has(known) ? parameter : redacted
  return shownParameters.has(known) ? parameter : `${name}=${redacted}`
}

const credentialLine = /\b((?:proxy-)?authorization|(?:set-)?cookie2?)(["']?\s*[:=]\s*)[^\r\n]+/gi

/** A quoted value up to its closing quote, which may be missing; else one word, after the scheme of a credential. */
const secretValue =
  /(["'])(?:\\.|(?!\1)[^\\])*\1?|(?:(?:Bearer|Basic|Digest|Negotiate|Token) +)?[^\s&;,"']*/isy

/** Redacts secrets in free text, such as an error message: values of headers and of query parameters. */
export function redactText(text: string): string {
  const lines = text.replace(credentialLine, `$1$2${redacted}`)
  let out = ''
  let at = 0
  for (const { index, 0: match, 1: name = '' } of lines.matchAll(/(?<![\w%.-])([\w%.-]+)["']?(?:=|: *)/g)) {
    if (index < at || !isSecretName(name)) continue
    const start = index + match.length
    out += `${lines.slice(at, start)}${redacted}`
    secretValue.lastIndex = start
    at = start + (secretValue.exec(lines)?.[0].length ?? 0)
  }
  return out + lines.slice(at)
}

/** `fields` with every secret replaced, down to depth three. Deeper values are left out. */
export function redactFields(fields: Readonly<Record<string, unknown>>, depth = 3): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      isSecretName(name) ? redacted : redactValue(value, depth),
    ]),
  )
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return undefined
  if (value instanceof Date) return value
  if (Array.isArray(value)) return redactList(value, depth)
  return redactFields(Object.fromEntries(Object.entries(value)), depth - 1)
}

/**
 * A list may hold header lines (name, value, name, value …), so the element after a secret name is redacted too.
 */
function redactList(list: readonly unknown[], depth: number): unknown[] {
  return list.map((value, index) => {
    const before = list[index - 1]
    return index % 2 === 1 && typeof before === 'string' && isSecretName(before)
      ? redacted
      : redactValue(value, depth - 1)
  })
}
