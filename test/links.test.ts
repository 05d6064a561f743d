import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const project = join(import.meta.dirname, '..')

/** Every document of the repository, including uncommitted ones. */
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: project,
  encoding: 'utf8',
})
  .trim()
  .split('\n')

const read = (file: string): string => readFileSync(join(project, file), 'utf8')

/** Links and images of a document, outside of code. */
const linksOf = (markdown: string): readonly string[] =>
  [
    ...markdown
      .replaceAll(/^```[\s\S]*?^```$/gm, '')
      .replaceAll(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g),
  ].map(([, target = '']) => target)

/** The anchors of a document: its headings in GitHub's form, and explicit ones. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
  return new Set([...headings, ...[...markdown.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id)])
}

describe('every relative link leads to a file, and to a heading of it', () => {
  test.each(documents)('%s', (document) => {
    const broken = linksOf(read(document))
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? document : join(dirname(document), path)
        if (!existsSync(join(project, file))) return true
        return anchor !== undefined && !anchorsOf(read(file)).has(anchor)
      })
    expect(broken).toEqual([])
  })
})

test('no document has the marks of a merge that was not finished', () => {
  expect(documents.filter((document) => /^(?:<{7}|>{7}) /m.test(read(document)))).toEqual([])
})

/** Sentences that people paste into a search engine, and the documents that must contain them. */
test.each([
  [
    "No 'Access-Control-Allow-Origin' header is present on the requested resource",
    'deploy/guides/cors-errors.md',
  ],
  ['blocked by CORS policy', 'deploy/guides/cors-errors.md'],
  ['Failed to fetch', 'deploy/guides/cors-errors.md'],
  ['NetworkError when attempting to fetch resource', 'deploy/guides/cors-errors.md'],
  ['put-bucket-cors', 'deploy/guides/put-bucket-cors.md'],
  ['path-style', 'deploy/guides/moving.md'],
  ['Ingress', 'deploy/guides/kubernetes.md'],
  ["No 'Access-Control-Allow-Origin' header is present on the requested resource", 'README.md'],
  ['ingress', 'README.md'],
  ['Failed to fetch', 'README.md'],
  ['put-bucket-cors', 'README.md'],
  ['blocked by CORS policy', 'rules/README.md'],
  ['blocked by CORS policy', 'deploy/guides/vite.md'],
  ['Failed to fetch', 'deploy/guides/minio-laptop.md'],
  ['path-style', 'deploy/guides/kubernetes.md'],
])('"%s" is found in %s', (sentence, document) => {
  expect(read(document)).toContain(sentence)
})
