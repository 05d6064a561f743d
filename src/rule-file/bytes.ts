import { isUtf8 } from 'node:buffer'
import type { FileFormat } from './names.ts'
import { errorAt, type Problem, problemAt } from './source.ts'

/** Limit of a rule file: the largest configuration that any of the vendors stores. */
export const maxFileBytes = 65_536

/**
 * A larger XML file is still parsed up to this size, to report its other mistakes too, because the XML parser runs in
 * linear time.
 */
const maxXmlBytes = 2 * maxFileBytes

/** No more than this is read from disk, because a file of this size is rejected without parsing it. */
export const maxBytesRead = maxXmlBytes + 1

/**
 * The text of a rule file. Text that is not `legible` must not reach a parser; it only serves to find positions.
 */
interface Decoded {
  readonly text: string
  readonly legible: boolean
  readonly problems: readonly Problem[]
}

const decoder = new TextDecoder()

/** Decodes a rule file. Rejects what a parser could choke on or read in two ways. */
export function decode(bytes: Uint8Array, format: FileFormat): Decoded {
  const oversize =
    bytes.length > maxFileBytes
      ? [
          atStart(
            'file-too-large',
            `the file has ${bytes.length < maxBytesRead ? '' : 'at least '}${bytes.length} bytes: the limit is ${maxFileBytes}`,
          ),
        ]
      : []
  if (bytes.length > (format === 'xml' ? maxXmlBytes : maxFileBytes)) return illegible('', oversize)
  const [first, second] = bytes
  const marked16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  if (marked16 || (bytes.length > 1 && (first === 0) !== (second === 0)))
    return illegible('', [...oversize, atStart('not-utf8', 'the file is UTF-16: save it as UTF-8')])
  const text = decoder.decode(bytes)
  if (!isUtf8(bytes)) return illegible(text, [...oversize, invalidByte(text)])
  const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.exec(text)
  if (control !== null) return illegible(text, [...oversize, controlCharacter(control[0], control.index)])
  const conflict = text.includes('<<<<<<< ') ? /^<{7} .*$/m.exec(text) : null
  if (conflict !== null) return illegible(text, [...oversize, mergeConflict(conflict[0], conflict.index)])
  if (text.trim() === '') return illegible(text, [...oversize, emptyFile])
  const marked = first === 0xef && second === 0xbb && bytes[2] === 0xbf
  return { text, legible: true, problems: marked ? [...oversize, byteOrderMark] : oversize }
}

const illegible = (text: string, problems: readonly Problem[]): Decoded => ({
  text,
  legible: false,
  problems,
})

const atStart = (code: Problem['code'], message: string): Problem =>
  problemAt({ offset: 0, end: 0 }, code, message)

const emptyFile = atStart(
  'empty-file',
  'the file is empty, perhaps after an interrupted write: to remove the rules, delete the file or write "rules: []"',
)

const byteOrderMark = atStart(
  'bom',
  'the file starts with a byte order mark, which is ignored: save the file without one',
)

function invalidByte(text: string): Problem {
  // After lenient decoding, each invalid byte is a replacement character.
  const offset = Math.max(0, text.indexOf('\ufffd'))
  return errorAt(offset, offset + 1, 'not-utf8', 'a byte that is not UTF-8: save the file as UTF-8')
}

const mergeConflict = (line: string, offset: number): Problem =>
  errorAt(offset, offset + line.length, 'merge-conflict', 'a merge conflict starts here: resolve it')

function controlCharacter(character: string, offset: number): Problem {
  const code = character.charCodeAt(0)
  const name =
    code === 0
      ? 'a NUL byte, perhaps left by a file system crash'
      : `the control character 0x${code.toString(16).padStart(2, '0')}`
  return errorAt(offset, offset + 1, 'control-character', `${name}: write the file again`)
}
