/**
 * Parses XML from untrusted text with @rgrove/parse-xml, within bounds. Also used for a store's response to
 * `?cors`.
 */

import {
  parseXml,
  XmlCdata,
  XmlComment,
  XmlDeclaration,
  XmlElement,
  XmlError,
  XmlText,
} from '@rgrove/parse-xml'
import { quoted } from '../text/visible.ts'
import { type Comment, errorAt, type Problem, problemAt, type Span } from './source.ts'

interface XmlContent {
  /** `undefined` when a problem is an error. */
  readonly root: XmlElement | undefined
  readonly problems: readonly Problem[]
  readonly comments: readonly Comment[]
}

/** CORSConfiguration, CORSRule and a leaf are three levels. */
const maxElementDepth = 8

/** Keeps comments and CDATA as separate nodes, because `pieceOf` counts whitespace in the source of each text node. */
const options = {
  includeOffsets: true,
  preserveCdata: true,
  preserveComments: true,
  preserveXmlDeclaration: true,
} as const

export function readXmlDocument(text: string): XmlContent {
  const doctype = /<!(?:DOCTYPE|ENTITY)/i.exec(text)
  if (doctype !== null) {
    const end = doctype.index + doctype[0].length
    return unreadable(errorAt(doctype.index, end, 'xml-doctype', 'DOCTYPE is not allowed: remove it'))
  }
  try {
    const document = parseXml(text, options)
    return { root: document.root ?? undefined, ...inspected(document.children, text) }
  } catch (error) {
    if (error instanceof XmlError) return unreadable(syntaxProblem(error, text))
    // parse-xml is recursive, so this means a stack overflow.
    if (error instanceof RangeError) return unreadable(tooDeep({ offset: 0, end: 1 }))
    throw error
  }
}

const unreadable = (problem: Problem): XmlContent => ({ root: undefined, problems: [problem], comments: [] })

const tooDeep = ({ offset }: Span): Problem =>
  errorAt(
    offset,
    offset + 1,
    'xml-too-deep',
    `elements are nested deeper than ${maxElementDepth}: remove the extra levels`,
  )

/** Replacements for parse-xml's messages, found by their start: what is wrong and what to do. */
const remedies: readonly (readonly [start: string, remedy: string])[] = [
  ['Unterminated reference', 'an ampersand outside a reference: write &amp;'],
  ["Named entity isn't defined", 'this entity does not exist in XML: write the character itself'],
  ['Invalid character reference', 'an ampersand outside a reference: write &amp;'],
  ['Character reference resolves', 'this reference is not a valid XML character: remove it'],
  ['Element content may not contain', '"]]>" in a text: write ]]&gt;'],
  ['Extra content', 'text or a second element after the root element: remove it'],
  ['Root element is missing', 'no element here: expected <CORSConfiguration>'],
]

function syntaxProblem({ message, pos }: XmlError, text: string): Problem {
  const sentence = (message.split('\n')[0] ?? '').replace(/ \(line \d+, column \d+\)$/, '')
  const words =
    remedies.find(([start]) => sentence.startsWith(start))?.[1] ??
    // Quoted, because the message can contain text of the file.
    quoted(sentence).slice(1, -1).replaceAll('\\"', '"')
  const cutOff = pos >= text.trimEnd().length && text.trim() !== ''
  const end = cutOff ? ': the file ends here, perhaps after an interrupted write' : ''
  // For a reference, parse-xml reports the position of its end.
  const offset = /reference|entity/.test(sentence) ? Math.max(0, text.lastIndexOf('&', pos)) : pos
  return errorAt(Math.min(offset, text.length), offset + 1, 'xml-syntax', words + end)
}

type XmlChild = XmlElement['children'][number]

interface Inspection {
  root?: undefined
  readonly problems: Problem[]
  readonly comments: Comment[]
}

/**
 * Reports what XML allows but rule files do not, and collects the comments with the elements that they belong to.
 */
function inspected(top: readonly unknown[], text: string): Omit<XmlContent, 'root'> | XmlContent {
  const found: Inspection = { problems: [], comments: [] }
  const whole = { offset: 0, end: text.length + 1 }
  for (const node of top) {
    if (node instanceof XmlDeclaration) checkEncoding(node, found.problems)
    else if (node instanceof XmlComment) found.comments.push(commentOf(node, whole))
    else if (node instanceof XmlElement) inspect(node, 1, found)
    else if (!(node instanceof XmlText)) found.problems.push(instruction(node as XmlChild))
  }
  return found.problems.some(({ severity }) => severity === 'error') ? { ...found, root: undefined } : found
}

function inspect(element: XmlElement, depth: number, found: Inspection): void {
  if (depth > maxElementDepth) {
    found.problems.push(tooDeep(spanOf(element)))
    return
  }
  const { children } = element
  // Only ever moves on, because a search from every comment would take quadratic time.
  let ahead = 0
  for (const [index, node] of children.entries()) {
    if (node instanceof XmlElement) inspect(node, depth + 1, found)
    else if (node instanceof XmlComment) {
      ahead = Math.max(ahead, index)
      while (ahead < children.length && !(children[ahead] instanceof XmlElement)) ahead++
      const next = children[ahead]
      found.comments.push(
        commentOf(node, next === undefined ? { offset: node.start, end: node.start } : spanOf(next)),
      )
    } else if (!(node instanceof XmlText)) found.problems.push(instruction(node))
  }
}

const instruction = ({ start }: { readonly start: number }): Problem =>
  errorAt(
    start,
    start + 2,
    'xml-processing-instruction',
    'processing instructions are not allowed: remove it',
  )

const commentOf = ({ content, start, end }: XmlComment, covers: Span): Comment => ({
  text: content,
  offset: start,
  end,
  covers,
})

/** The bytes have already been decoded as UTF-8. */
function checkEncoding({ encoding, start, end }: XmlDeclaration, problems: Problem[]): void {
  if (encoding === null || /^(?:utf-?8|us-ascii)$/i.test(encoding)) return
  const message = `declared as ${encoding.slice(0, 40)}, but the bytes are UTF-8: write encoding="UTF-8"`
  problems.push(problemAt({ offset: start, end }, 'xml-encoding', message))
}

export const spanOf = ({ start, end }: { readonly start: number; readonly end: number }): Span => ({
  offset: start,
  end,
})

export const childElements = ({ children }: XmlElement): readonly XmlElement[] =>
  children.filter((node) => node instanceof XmlElement)

/**
 * The text directly inside `element`, with its position. Surrounding whitespace is layout and is removed, unless it
 * was written as a reference or in CDATA, which is deliberate.
 */
export function ownText(
  element: XmlElement,
  source: string,
): { readonly text: string; readonly span: Span | undefined } {
  const pieces = element.children.flatMap((node) => (node instanceof XmlText ? [pieceOf(node, source)] : []))
  const first = pieces.findIndex(isContent)
  const last = pieces.findLastIndex(isContent)
  const from = pieces[first]
  const to = pieces[last]
  if (from === undefined || to === undefined) return { text: '', span: undefined }
  const text = pieces
    .slice(first, last + 1)
    .map((piece) => piece.text)
    .join('')
  return {
    text: text.slice(from.lead, text.length - to.trail),
    span: { offset: from.offset, end: to.end },
  }
}

/** The span of its content in the source. `lead` and `trail` count the unescaped whitespace at the ends of `text`. */
interface Piece extends Span {
  readonly text: string
  readonly lead: number
  readonly trail: number
}

function pieceOf(node: XmlText, source: string): Piece {
  const { start, end, text } = node
  // `<![CDATA[` and `]]>` are 9 and 3 characters long.
  if (node instanceof XmlCdata) return { text, lead: 0, trail: 0, offset: start + 9, end: end - 3 }
  const raw = source.slice(start, end)
  const before = raw.slice(0, raw.length - trimmedStart(raw).length)
  const after = before === raw ? '' : raw.slice(trimmedEnd(raw).length)
  return {
    text,
    lead: lengthRead(before),
    trail: lengthRead(after),
    offset: start + before.length,
    end: end - after.length,
  }
}

/** A line break of the source is one character of the text (XML 1.0 section 2.11). */
const lengthRead = (layout: string): number => layout.replaceAll('\r\n', '\n').length

const isContent = ({ text, lead }: Piece): boolean => text.length > lead

/** XML's own whitespace, not that of String.trim: a no-break space around an origin must be reported. */
const isLayout = (character: string | undefined): boolean =>
  character !== undefined && ' \t\r\n'.includes(character)

const trimmedStart = (text: string): string => text.replace(/^[ \t\r\n]+/, '')

/** A loop, because /[ \t\r\n]+$/ takes quadratic time on long runs of whitespace. */
function trimmedEnd(text: string): string {
  let end = text.length
  while (end > 0 && isLayout(text[end - 1])) end--
  return text.slice(0, end)
}
