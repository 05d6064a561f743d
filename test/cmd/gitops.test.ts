import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { addCheck } from '../../cmd/check.ts'
import { nodeDefect } from '../../cmd/node-version.ts'
import { folderWith, runCommand } from './rule-commands.ts'

const project = new URL('../../', import.meta.url)
const textOf = (path: string): string => readFileSync(new URL(path, project), 'utf8')

/** Every string in a document, at any depth. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

describe.each(['pre-commit-config.yaml', 'github-workflow.yaml', 'gitlab-ci.yaml'])('%s', (name) => {
  const document: unknown = parse(textOf(`deploy/gitops/${name}`))
  const commands = textsIn(document).flatMap(
    (text) => /\b(?:cors-sidecar(?:@\S+)?|dist\/cmd\/main\.js) (check .*)$/.exec(text)?.[1] ?? [],
  )
  const run = (folder: string) =>
    Promise.all(commands.map((args) => runCommand(addCheck, args.split(' '), { cwd: folder })))

  test('passes rule files without findings', async () => {
    expect(commands).toHaveLength(1)
    expect(await run(fileURLToPath(project))).toMatchObject([{ code: 0, out: '' }])
  })

  test.each<[string, string, string]>([
    ['an error', 'rules:\n  - allowedOrigins: [*]\n', 'yaml-bad-alias'],
    [
      'a warning',
      'rules:\n  - {allowedOrigins: ["https://*.github.io"], allowedMethods: [GET, HEAD]}\n',
      'origin-pattern-public-suffix',
    ],
  ])('stops at %s', async (_, text, code) => {
    const outcomes = await run(folderWith({ 'rules/photos.yaml': text }))
    expect(outcomes).toMatchObject([{ code: 1, out: expect.stringContaining(code) }])
  })

  test('runs an image by its digest, or the packed file: a package name could be registered by anyone', () => {
    const { name: own, version } = JSON.parse(textOf('package.json')) as { name: string; version: string }
    const texts = textsIn(document).join('\n')
    expect(texts).not.toMatch(/\bnp[mx] |cors-sidecar@[^s]/)
    if (name === 'pre-commit-config.yaml') expect(texts).toContain(`./tools/${own}-${version}.tgz`)
    else expect(texts).toMatch(/ ?registry\.example\.com\/cors-sidecar@sha256:[0-9a-f]{64}(?:\s|$)/)
  })
})

test('the hook runs on a safe Node, with any Node on the machine', () => {
  const [, version = ''] =
    /language_version: "([\d.]+)"/.exec(textOf('deploy/gitops/pre-commit-config.yaml')) ?? []
  expect(nodeDefect(`v${version}`)).toBeUndefined()
})
