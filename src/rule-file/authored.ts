import { Lexer } from 'yaml'

/** The yaml lexer emits this mark before a scalar, so the next token is text, not a comment. */
const scalarMark = '\u001f'

/** Points editors to the schema. `init` and `suggest` write it, so it is not an author's comment. */
const modeline = /^# yaml-language-server: /

/** Whether an author has put comments into a YAML text, which rewriting would lose. */
export function hasComments(text: string): boolean {
  let isScalar = false
  for (const token of new Lexer().lex(text)) {
    if (!isScalar && token.startsWith('#') && !modeline.test(token)) return true
    isScalar = token === scalarMark
  }
  return false
}

/** The modeline of `text` with its line end; empty when there is none. */
export const modelineOf = (text: string): string =>
  modeline.test(text) ? text.slice(0, text.indexOf('\n') + 1) : ''
