/** What stands where a secret stood. */
const redacted = '[redacted]'

/**
 * Names, of headers, fields and parameters in free text, whose value signs a request, names the key that signed it, or logs
 * somebody in: S3 V2 and V4, COS and OSS signatures in header and query, Google's and Azure's, bearer tokens, cookies.
 */
const secretName =
  /authorization|cookie|signature|credential|token|secret|passw|pwd|jwt|access[-_]?key|api[-_]?key|customer-key|session|googleaccessid|^(?:sig|sign|q-ak|auth)$/i

/** Whether the value that goes by `name` must not be shown. `name` may be percent-encoded. */
export function isSecretName(name: string): boolean {
  return secretName.test(name.includes('%') ? decoded(name) : name)
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    // What cannot be read could be anything.
    return 'secret'
  }
}

/**
 * Query parameters whose values are shown, in lower case: a list of secret names would never be complete. From the S3,
 * COS and OSS API references: those that list, that name a part or a version, that choose a response header, and those
 * fields of a signature that neither sign nor name a key.
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

/** Sub-resources of the same references that stand without a value. */
const shownAlone = new Set(
  (
    'acl accelerate analytics append attributes bucketinfo cname cors delete domain encryption intelligent-tiering ' +
    'inventory legal-hold lifecycle live location logging metrics notification object-lock objectmeta ' +
    'ownershipcontrols policy policystatus publicaccessblock referer replication requestpayment restore retention ' +
    'select stat symlink tagging torrent uploads versioning versions website worm'
  ).split(' '),
)

/** A query, without its question mark, in which every value is replaced whose parameter is not known to be harmless. */
export function redactQuery(query: string): string {
  // Some servers separate parameters with ";" too.
  return query.replace(/[^&;]+/g, (parameter) => {
    const equals = parameter.indexOf('=')
    const name = equals < 0 ? parameter : parameter.slice(0, equals)
    const known = (name.includes('%') ? decoded(name) : name).toLowerCase()
    // What stands alone, or before an "=" that ends a base64 text, may itself be the secret.
    if (/^=*$/.test(parameter.slice(name.length)))
      return shownAlone.has(known) || shownParameters.has(known) ? parameter : redacted
    return shownParameters.has(known) ? parameter : `${name}=${redacted}`
  })
}

const credentialLine = /\b((?:proxy-)?authorization|(?:set-)?cookie2?)(\s*[:=]\s*)[^\r\n]+/gi

/** Free text, such as the message of an error, in which header values and query values of secrets are replaced. */
export function redactText(text: string): string {
  const lines = text.replace(credentialLine, `$1$2${redacted}`)
  let out = ''
  let at = 0
  for (const { index, 0: match, 1: name = '' } of lines.matchAll(/(?<![\w%.-])([\w%.-]+)(?:=|: *)/g)) {
    if (index < at || !isSecretName(name)) continue
    const start = index + match.length
    const length = lines.slice(start).search(/[\s&;,"']|$/)
    out += `${lines.slice(at, start)}${redacted}`
    at = start + length
  }
  return out + lines.slice(at)
}

/** `fields` with every secret replaced, at any depth up to three; deeper values are left out. */
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

/** A list may be header lines, name, value, name, value …: then the value follows its name. */
function redactList(list: readonly unknown[], depth: number): unknown[] {
  return list.map((value, index) => {
    const before = list[index - 1]
    return index % 2 === 1 && typeof before === 'string' && isSecretName(before)
      ? redacted
      : redactValue(value, depth - 1)
  })
}
