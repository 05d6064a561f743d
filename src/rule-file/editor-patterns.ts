/**
 * Regular expressions for the JSON Schema, so that an editor marks a mistake while it is typed. They accept
 * everything that loads, and some things that do not: origin-entry.ts and entry.ts have the exact checks.
 */

const atMostOneStar = String.raw`(?!(?:[^*]*\*){2})`
const tokenCharacters = String.raw`!#$%&'+.^_\x60|~0-9A-Za-z-`

/** An origin with an optional wildcard, or text without "://", which the vendors store as well. */
export const originPattern = [
  `^${atMostOneStar}`,
  String.raw`(?=file:\/\/$|(?!file:\/\/))`,
  String.raw`(?:(?!.*:\/\/)[#*+./0-9:?@A-Z[\]_a-z~-]+`,
  String.raw`|file:\/\/|(?!(?:https?|wss?|ftp):)[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._*-]+(?::[0-9*]+)?`,
  String.raw`|[a-z*][a-z0-9+.*-]*:\/\/(?:[a-z0-9._*-]+|\[[0-9a-f:.*]+\])(?::[0-9*]+)?)$`,
].join('')

/** The methods of all dialects; `check` reports those that the file's dialect does not allow. */
export const methodPattern = `^(?!(?:CONNECT|TRACE|TRACK|connect|trace|track|get|put|post|delete|head|options)$)[${tokenCharacters}]+$`

export const allowedHeaderPattern = `^${atMostOneStar}[*${tokenCharacters}]+$`
export const exposeHeaderPattern = `^[${tokenCharacters}]+$`
export const idPattern = String.raw`^[^\u0000-\u001f\u007f]*$`
export const hostPattern = String.raw`^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])$`
