import { connect } from 'node:net'
import { expect, test } from 'vitest'

/** One statement of a vendor's document. */
export interface Statement {
  /** Its line in the document. */
  readonly line: string
  readonly says: string
  /** What the program does instead, and why; `holds` shows that. */
  readonly differs?: string
  /** Why it does not concern the program; all other statements are run. */
  readonly notOurs?: string
  readonly holds?: () => unknown
}

/** Runs each statement of `document` against the program. */
export function runStatements(document: string, statements: readonly Statement[]): void {
  test(`${document}: each statement is run, or says why it is none of the program's`, () => {
    const idle = statements.filter(({ holds, notOurs }) => (holds === undefined) === (notOurs === undefined))
    expect(idle).toEqual([])
  })
  for (const { line, says, differs, holds } of statements)
    if (holds !== undefined)
      test(`${document}, ${line}: ${says}${differs === undefined ? '' : ` (different: ${differs})`}`, async () => {
        await holds()
      })
}

export interface RawAnswer {
  readonly statusLine: string
  readonly status: number
  /** By lower-cased name; a repeated name has all its values. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Sends a request as printed, with HTTP line breaks, and reads until the connection ends. */
export function sendPrinted(port: number, printed: string): Promise<RawAnswer> {
  const lines = printed.trim().split('\n')
  const close = lines.some((line) => /^connection:/i.test(line)) ? [] : ['Connection: close']
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write([...lines, ...close, '', ''].join('\r\n')))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('end', () => resolve(readAnswer(Buffer.concat(chunks).toString('utf8'))))
  })
}

function readAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    const value = line.slice(line.indexOf(':') + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before} | ${value}`)
  }
  return { statusLine, status: Number(statusLine.split(' ')[1]), headers, body: text.slice(end + 4) }
}
