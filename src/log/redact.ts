/** What stands where a secret stood. */
const redacted = '[redacted]'

/**
 * Names, of headers, query parameters and fields, whose value signs a request, names the key that signed it, or logs
 * somebody in: S3 V2 and V4, COS and OSS signatures in header and query, Google's and Azure's, bearer tokens, cookies.
 */
const secretName =
  /authorization|cookie|signature|credential|token|secret|passw|access[-_]?key|api[-_]?key|session|googleaccessid|^(?:sig|sign|q-ak)$/i

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

/** A query, without its question mark, in which the values of secrets are replaced. */
export function redactQuery(query: string): string {
  // Some servers separate parameters with ";" too.
  return query.replace(/[^&;]+/g, (parameter) => {
    const equals = parameter.indexOf('=')
    const name = parameter.slice(0, Math.max(equals, 0))
    return isSecretName(name) ? `${name}=${redacted}` : parameter
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
