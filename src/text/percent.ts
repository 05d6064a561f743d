/**
 * Percent-encoding over bytes (RFC 3986 section 2.1). Strings here hold one byte per character, as Node delivers
 * request targets and header lines, so that signatures are computed over the bytes that were sent.
 */

/**
 * Decodes `text`; `undefined` when a percent sign is not followed by two hexadecimal digits. `+` stays `+`. Does not
 * throw as `decodeURIComponent` does, because an exception takes 8 µs and a request has room for thousands of names.
 */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined
  return text.replace(/%../g, decodeEscape)
}

/** The byte of one escape, such as `%2F`, as a character. */
export const decodeEscape = (triplet: string): string =>
  String.fromCharCode(Number.parseInt(triplet.slice(1), 16))

/** Encodes every byte but the unreserved `A-Z a-z 0-9 - . _ ~`, in upper-case hexadecimal. */
export function percentEncode(bytes: string): string {
  return bytes.replace(
    /[^A-Za-z0-9._~-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

/** `path` in the canonical form that SigV4 signs: every segment decoded, then encoded. */
export function canonicalPath(path: string): string | undefined {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    const bytes = percentDecode(segment)
    if (bytes === undefined) return undefined
    segments.push(percentEncode(bytes))
  }
  return segments.join('/')
}
