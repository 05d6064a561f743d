import { Lexer } from 'yaml'

/** The yaml lexer emits this mark before a scalar, so the next token is text, not a comment. */
const scalarMark = '\u001f'

/** Points editors to the schema. `convert` writes it, so it is not an author's comment. */
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

/** The first line of `text` with its line end if it is only for editors; otherwise empty. */
export const modelineOf = (text: string): string =>
  modeline.test(text) ? text.slice(0, text.indexOf('\n') + 1) : ''
