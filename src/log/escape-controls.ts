/**
 * DEL; the C1 controls (a terminal treats U+009B like ESC [); U+0085 and the line and paragraph separators, at
 * which some readers split lines; and characters that change the text direction.
 */
const unsafe = /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * Escapes the characters that `JSON.stringify` leaves as they are although a terminal or a reader interprets them.
 */
export const escapeControls = (json: string): string =>
  json.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
