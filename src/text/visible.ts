/**
 * Makes untrusted text visible. Characters that a terminal obeys, an editor hides, or a reader takes for something else
 * become escapes: C0 and C1 controls (NEL among them), format characters (bidi, zero width, the byte order mark), lone
 * surrogates, private and unassigned ones, U+2028 and U+2029, and every space but the plain one.
 *
 * Unicode 16, general categories C, Zl, Zp and Zs: https://www.unicode.org/reports/tr44/#General_Category_Values
 */
const hostile = /(?! )[\p{C}\p{Z}]/gu

/** For terminals: on one line, whatever is in it. */
export const visible = (text: string): string => text.replace(hostile, escaped)

/** The same, with the line breaks that the program itself has put in. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n')

/** For JSON: `json`, which JSON.stringify has made, so that it reads the same and shows what is in it. */
export const visibleJson = visibleLines

/** In quotes and cut, for a message. */
export const quoted = (text: string, longest = 80): string =>
  visible(JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text))

/** In printable ASCII, for names that must be ASCII: a Kelvin sign must not look like the letter K. */
export const quotedAscii = (text: string, longest = 80): string =>
  quoted(text, longest).replace(/[^ -~…]/gu, escaped)

/** Every hostile character as dots of the same width in UTF-16 units, so that a mark below the text stands in place. */
export const dotted = (text: string): string => text.replace(hostile, (found) => '·'.repeat(found.length))

/** As JSON escapes: one escape for each UTF-16 unit. */
const escaped = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
