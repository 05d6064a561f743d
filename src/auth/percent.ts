/**
 * Percent-encoding (RFC 3986 section 2.1) over bytes. Strings here hold one byte in each character, as Node hands over
 * request targets and header lines, so that what is hashed is what was sent.
 */

/** The bytes that `text` encodes; `undefined` when a percent sign encodes nothing. `+` stands for itself. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined
  return text.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** `bytes` with everything but the unreserved characters `A-Z a-z 0-9 - . _ ~` encoded, in upper-case hexadecimal. */
export function percentEncode(bytes: string): string {
  return bytes.replace(
    /[^A-Za-z0-9._~-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** The path `path` in the one spelling that SigV4 signs: every segment decoded, then encoded. */
export function canonicalPath(path: string): string | undefined {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    const bytes = percentDecode(segment)
    if (bytes === undefined) return undefined
    segments.push(percentEncode(bytes))
  }
  return segments.join('/')
}
