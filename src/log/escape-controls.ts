/**
 * DEL, the C1 controls (a terminal obeys U+009B as it obeys ESC [), the line and paragraph separators and U+0085, at
 * which some readers split lines, and the characters that change the direction of text.
 */
const unsafe = /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** `json` with every character escaped that `JSON.stringify` leaves as it is and that a terminal or a reader may obey. */
export const escapeControls = (json: string): string =>
  json.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
