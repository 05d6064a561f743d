import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { readWholeLines } from '../../src/workers/whole-lines.ts'

async function read(...chunks: readonly (string | Buffer)[]): Promise<readonly string[]> {
  const stream = new PassThrough()
  const written: string[] = []
  readWholeLines(stream, (lines) => written.push(Buffer.from(lines).toString()))
  for (const chunk of chunks) {
    stream.write(chunk)
    await new Promise(setImmediate)
  }
  stream.end()
  await once(stream, 'close')
  return written
}

test.each([
  ['one line', ['a\n'], ['a\n']],
  ['lines in one piece', ['a\nb\n'], ['a\nb\n']],
  ['a line in pieces', ['a', 'b', 'c\nd', '\n'], ['abc\n', 'd\n']],
  ['a last line without an end', ['a\nb'], ['a\n']],
  ['nothing', [], []],
])('%s', async (_, chunks, lines) => {
  expect(await read(...chunks)).toEqual(lines)
})

test('a character that is cut in two', async () => {
  const bytes = Buffer.from('{"msg":"ü"}\n')
  expect(await read(bytes.subarray(0, 9), bytes.subarray(9))).toEqual(['{"msg":"ü"}\n'])
})

test('a line that never ends is not kept', async () => {
  const piece = 'x'.repeat(600_000)
  expect(await read(piece, piece, 'end of it\n', 'a\n')).toEqual(['end of it\n', 'a\n'])
})
