/**
 * The elements of a small XML document, with positions. An own tokenizer, because the vocabulary is tiny and what
 * matters is what general parsers smooth over: fast-xml-parser joins the text around a comment into one value, merges
 * two roots, accepts documents that are cut off, and tells no position of an element. No DTD, no entities but the five
 * of XML and character references, no processing instructions (XML 1.0, sections 2 to 4).
 */

import { type Comment, errorAt, type Problem, type Span } from './source.ts'

export interface Element extends Span {
  readonly name: string
  readonly attributes: readonly (Span & { readonly name: string })[]
  readonly children: readonly Element[]
  /** The text directly inside: decoded, CDATA included, white space around it removed as far as it was not escaped. */
  readonly text: string
  /** Where that text stands, `undefined` without any. */
  readonly textSpan: Span | undefined
  /** The first comment directly inside. */
  readonly comment: Span | undefined
}

interface Elements {
  /** `undefined` when a problem is an error. */
  readonly root: Element | undefined
  readonly problems: readonly Problem[]
  readonly comments: readonly Comment[]
}

/** CORSConfiguration, CORSRule and a leaf are three. */
const maxElementDepth = 8

/** Text between two tags, decoded. `lead` and `trail` count the characters of unescaped white space at its ends. */
interface Piece extends Span {
  readonly text: string
  readonly lead: number
  readonly trail: number
}

/** An element that is not closed yet. */
interface Open extends Span {
  readonly name: string
  readonly attributes: (Span & { readonly name: string })[]
  readonly children: Element[]
  readonly pieces: Piece[]
  comment: Span | undefined
}

/** Thrown inside this file only: a document that is not well-formed has one first mistake, and nothing after it counts. */
class XmlDefect extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

export function readElements(text: string): Elements {
  const problems: Problem[] = []
  try {
    const document = readDocument(text, problems)
    return { ...document, problems }
  } catch (error) {
    if (!(error instanceof XmlDefect)) throw error
    return { root: undefined, problems: [...problems, error.problem], comments: [] }
  }
}

function fail(offset: number, message: string, code = 'xml-syntax', end = offset + 1): never {
  throw new XmlDefect(errorAt(offset, end, code, message))
}

function readDocument(text: string, problems: Problem[]): Pick<Elements, 'root' | 'comments'> {
  const doctype = /<!(?:DOCTYPE|ENTITY)/i.exec(text)
  if (doctype !== null)
    fail(doctype.index, 'DOCTYPE is not allowed', 'xml-doctype', doctype.index + doctype[0].length)
  const top: Open = {
    name: '',
    attributes: [],
    children: [],
    pieces: [],
    comment: undefined,
    offset: 0,
    end: 0,
  }
  const open: Open[] = [top]
  const comments: (Span & { readonly text: string; readonly parent: Open; readonly before: number })[] = []
  for (let at = readDeclaration(text, problems); at < text.length; ) {
    const parent = open.at(-1) ?? top
    if (text.startsWith('<!--', at)) {
      const end = readComment(text, at)
      parent.comment ??= { offset: at, end }
      comments.push({
        offset: at,
        end,
        text: text.slice(at + 4, end - 3),
        parent,
        before: parent.children.length,
      })
      at = end
    } else if (text.startsWith('<![CDATA[', at)) {
      at = readCdata(text, at, parent)
    } else if (text.startsWith('</', at)) {
      at = readEndTag(text, at, open)
    } else if (text.startsWith('<?', at)) {
      fail(at, 'processing instructions are not allowed', 'xml-processing-instruction', at + 2)
    } else if (text[at] === '<') {
      if (parent === top && top.children.length > 0) fail(at, 'more than one root element')
      at = readStartTag(text, at, open)
    } else {
      at = readText(text, at, parent)
    }
    const stray = parent === top ? top.pieces.find(({ text: piece }) => !isLayout(piece)) : undefined
    if (stray !== undefined) fail(stray.offset + stray.lead, 'text outside the root element')
    top.pieces.length = 0
  }
  const unclosed = open.at(-1)
  if (unclosed !== undefined && unclosed !== top)
    fail(text.length, `the file ends before ${unclosed.name} is closed, as after a write that was cut off`)
  const root = top.children[0]
  if (root === undefined) fail(text.length, 'no element: expected <CORSConfiguration>')
  const covered = comments.map(({ parent, before, ...comment }): Comment => {
    const next = parent === top ? { offset: 0, end: text.length + 1 } : parent.children[before]
    return { ...comment, covers: next ?? { offset: comment.offset, end: comment.offset } }
  })
  return { root, comments: covered }
}

/** Steps over `<?xml … ?>`; the bytes have been decoded as UTF-8 already. */
function readDeclaration(text: string, problems: Problem[]): number {
  if (!/^<\?xml\s/.test(text)) return 0
  const declaration =
    /^<\?xml\s+version\s*=\s*(?:"1\.[0-9]"|'1\.[0-9]')(?:\s+encoding\s*=\s*(?:"([\w.-]{1,40})"|'([\w.-]{1,40})'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>/.exec(
      text.slice(0, 400),
    )
  if (declaration === null) fail(0, 'the XML declaration is not well-formed')
  const encoding = declaration[1] ?? declaration[2] ?? 'UTF-8'
  if (!/^(?:utf-?8|us-ascii)$/i.test(encoding))
    problems.push({
      ...errorAt(
        0,
        declaration[0].length,
        'xml-encoding',
        `declared as ${encoding}, but the bytes are UTF-8: write encoding="UTF-8"`,
      ),
      severity: 'warning',
    })
  return declaration[0].length
}

function readComment(text: string, at: number): number {
  const dashes = text.indexOf('--', at + 4)
  if (dashes < 0) fail(at, 'the comment is not closed')
  if (text[dashes + 2] !== '>') fail(dashes, 'two dashes inside a comment')
  return dashes + 3
}

function readCdata(text: string, at: number, parent: Open): number {
  const end = text.indexOf(']]>', at)
  if (end < 0) fail(at, 'the CDATA section is not closed')
  parent.pieces.push({ text: text.slice(at + 9, end), lead: 0, trail: 0, offset: at + 9, end })
  return end + 3
}

function readText(text: string, at: number, parent: Open): number {
  const bracket = text.indexOf('<', at)
  const end = bracket < 0 ? text.length : bracket
  const raw = text.slice(at, end)
  const closing = raw.indexOf(']]>')
  if (closing >= 0) fail(at + closing, '"]]>" in a text: write ]]&gt;')
  const lead = /^[ \t\r\n]*/.exec(raw)?.[0].length ?? 0
  const trail = lead === raw.length ? 0 : raw.length - withoutTrailingSpace(raw).length
  parent.pieces.push({ text: decodeReferences(raw, at), lead, trail, offset: at, end })
  return end
}

const reference = /&(?:#([0-9]{1,7})|#x([0-9a-fA-F]{1,6})|([A-Za-z]{1,32}));/y

function decodeReferences(raw: string, at: number): string {
  let result = ''
  let from = 0
  for (let mark = raw.indexOf('&'); mark >= 0; mark = raw.indexOf('&', from)) {
    reference.lastIndex = mark
    const found = reference.exec(raw)
    if (found === null) fail(at + mark, 'an ampersand that begins no reference: write &amp;')
    const end = mark + found[0].length
    result += raw.slice(from, mark) + decoded(found, { offset: at + mark, end: at + end })
    from = end
  }
  return result + raw.slice(from)
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decoded([whole, decimal, hexadecimal, name]: RegExpExecArray, span: Span): string {
  if (name !== undefined) {
    if (!Object.hasOwn(entities, name)) fail(span.offset, `unknown entity ${whole}`, 'xml-syntax', span.end)
    return entities[name] ?? ''
  }
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
  const character = code <= 0x10ffff ? String.fromCodePoint(code) : ''
  // XML 1.0 section 2.2, Char.
  if (!/^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]$/u.test(character))
    fail(span.offset, `${whole} is no character of XML`, 'xml-syntax', span.end)
  return character
}

const startTag = /<([A-Za-z_][\w.:-]*)((?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const attribute = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"[^"<]*"|'[^'<]*')/g

function readStartTag(text: string, at: number, open: Open[]): number {
  startTag.lastIndex = at
  const tag = startTag.exec(text)
  if (tag === null) fail(at, 'this is not a well-formed start tag')
  if (open.length > maxElementDepth) fail(at, `nesting deeper than ${maxElementDepth}`, 'xml-too-deep')
  const [whole, name = '', attributes = '', slash] = tag
  const start = at + 1 + name.length
  const element: Open = {
    name,
    attributes: readAttributes(attributes, start),
    children: [],
    pieces: [],
    comment: undefined,
    offset: at,
    end: at + whole.length,
  }
  if (slash === '/') open.at(-1)?.children.push(closed(element, at + whole.length))
  else open.push(element)
  return at + whole.length
}

function readAttributes(attributes: string, start: number): (Span & { readonly name: string })[] {
  const found = [...attributes.matchAll(attribute)].map(({ 0: whole, 1: name = '', index }) => ({
    name,
    offset: start + index + whole.indexOf(name),
    end: start + index + whole.length,
  }))
  const names = new Set<string>()
  for (const { name, offset } of found) {
    if (names.has(name)) fail(offset, `attribute ${name} is given twice`)
    names.add(name)
  }
  return found
}

const endTag = /<\/([A-Za-z_][\w.:-]*)\s*>/y

function readEndTag(text: string, at: number, open: Open[]): number {
  endTag.lastIndex = at
  const tag = endTag.exec(text)
  if (tag === null) fail(at, 'this is not a well-formed end tag')
  const element = open.length > 1 ? open.pop() : undefined
  const [whole, name] = tag
  if (element === undefined) fail(at, `</${name}> closes nothing`)
  if (element.name !== name) {
    const line = text.slice(0, element.offset).split('\n').length
    fail(at, `</${name}> stands where ${element.name} (line ${line}) is not closed yet`)
  }
  open.at(-1)?.children.push(closed(element, at + whole.length))
  return at + whole.length
}

/** White space around a value is layout and goes; what was written as a reference or in CDATA is meant, and stays. */
function closed({ pieces, ...element }: Open, end: number): Element {
  const first = pieces.findIndex(isContent)
  const last = pieces.findLastIndex(isContent)
  const from = pieces[first]
  const to = pieces[last]
  if (from === undefined || to === undefined) return { ...element, end, text: '', textSpan: undefined }
  const whole = pieces.slice(first, last + 1)
  const text = whole.map((piece) => piece.text).join('')
  return {
    ...element,
    end,
    text: text.slice(from.lead, text.length - to.trail),
    textSpan: { offset: from.offset + from.lead, end: to.end - to.trail },
  }
}

const isContent = ({ text, lead }: Piece): boolean => text.length > lead

/** XML's own white space, not what String.trim takes: a no-break space around an origin must come to light. */
export const isLayout = (text: string): boolean => /^[ \t\r\n]*$/.test(text)

/** A loop, because /[ \t\r\n]+$/ would look at every run of white space in the text, each time to its end. */
function withoutTrailingSpace(text: string): string {
  let end = text.length
  while (end > 0 && isLayout(text[end - 1] ?? '')) end--
  return text.slice(0, end)
}
