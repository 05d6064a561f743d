import { Lexer } from 'yaml'

/** Before a scalar the lexer gives this mark, so that what follows is text, whatever it begins with. */
const scalarMark = '\u001f'

/** Tells an editor where the schema is; written by `convert`, and no remark of anybody. */
const modeline = /^# yaml-language-server: /

/** Whether somebody has put comments into a YAML text, which rewriting it would lose. */
export function hasComments(text: string): boolean {
  let isScalar = false
  for (const token of new Lexer().lex(text)) {
    if (!isScalar && token.startsWith('#') && !modeline.test(token)) return true
    isScalar = token === scalarMark
  }
  return false
}

/** The first line of `text` when it is only for editors, line end included; else empty. */
export const modelineOf = (text: string): string =>
  modeline.test(text) ? text.slice(0, text.indexOf('\n') + 1) : ''
