/**
 * Makes untrusted text visible. Escapes what a terminal interprets, an editor hides, or a reader mistakes for
 * something else: C0 and C1 controls (NEL included), format characters (bidi, zero width, byte order mark), lone
 * surrogates, private and unassigned characters, U+2028, U+2029, and every space except U+0020.
 * Unicode 16, general categories C, Zl, Zp and Zs: https://www.unicode.org/reports/tr44/#General_Category_Values
 */
const hostile = /(?! )[\p{C}\p{Z}]/gu

/** For terminals. The result is always a single line. */
export const visible = (text: string): string => text.replace(hostile, escaped)

/** Like `visible`, but keeps line breaks, which must come from the program itself. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n')

/** For the output of JSON.stringify. The result parses to the same value. */
export const visibleJson = visibleLines

/** Quoted and truncated, for a message. */
export const quoted = (text: string, longest = 80): string =>
  visible(JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text))

/** For names that must be ASCII: also escapes all else but `…`, so that a Kelvin sign cannot pass for the letter K. */
export const quotedAscii = (text: string, longest = 80): string =>
  quoted(text, longest).replace(/[^ -~…]/gu, escaped)

/**
 * Replaces each hostile character with dots of the same width in UTF-16 units, so that a caret on the next line
 * points to the right column.
 */
export const dotted = (text: string): string => text.replace(hostile, (found) => '·'.repeat(found.length))

/** One JSON escape for each UTF-16 unit. */
const escaped = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
