import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { blocksOf } from './blocks.ts'
import { notFollowed } from './not-followed.ts'

const project = join(import.meta.dirname, '..', '..')

/** Every document of the repository, including uncommitted ones. */
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: project,
  encoding: 'utf8',
})
  .trim()
  .split('\n')

test('a document that is listed exists', () => {
  expect(documents).toEqual(expect.arrayContaining(Object.keys(notFollowed)))
})

test.each(
  documents,
)('each block of %s is followed by test:guides, or listed with its test or a reason', (document) => {
  const isGuide = /^deploy\/guides\/[\w-]+\.md$/.test(document)
  const listed = notFollowed[document] ?? []
  const blocks = blocksOf(readFileSync(join(project, document), 'utf8'))
  const unlisted = blocks.filter(({ text }) => !listed.some(({ block }) => text.includes(block)))
  expect(unlisted.filter(({ kind }) => !isGuide || kind === 'not run')).toEqual([])
  for (const { block } of listed)
    expect(
      blocks.filter(({ text }) => text.includes(block)).map(({ text }) => text),
      block,
    ).toHaveLength(1)
})

test('a test that is listed for a block reads its document', () => {
  for (const [document, listed] of Object.entries(notFollowed))
    for (const entry of listed)
      if ('testedBy' in entry) {
        expect(existsSync(join(project, entry.testedBy)), entry.testedBy).toBe(true)
        const folder = document.split('/').at(-2) ?? ''
        expect(readFileSync(join(project, entry.testedBy), 'utf8')).toMatch(
          new RegExp(`${basename(document)}|'${folder}'`),
        )
      }
})
