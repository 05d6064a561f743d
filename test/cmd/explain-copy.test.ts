/** A reader can copy the change that `explain` prints, and the changed rule file then allows the request. */

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../../cmd/program.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const field = (name: string): string => join(repository, 'test/fixtures/field', name)

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'copy-'))
  const put = (from: string, name: string): void => {
    mkdirSync(join(cwd, 'rules'), { recursive: true })
    cpSync(from, join(cwd, 'rules', name))
  }
  for (const name of ['examplebucket-1250000000.yaml', 'public-assets.yaml', 'uploads.yaml'])
    put(join(repository, 'rules', name), name)
  put(field('any.yaml'), 'any.yaml')
  put(field('web.yaml'), 'web.yaml')
  put(field('24-loomio-wildcard.xml'), 'loomio.xml')
  put(field('85-five-methods-without-allowed-header.xml'), 'local.xml')
  put(field('39-aws-cli-star-among-names.json'), 'aws.json')
})
afterEach(() => rmSync(cwd, { recursive: true }))

async function command(...argv: readonly string[]): Promise<{ out: string; code: number }> {
  let [out, code] = ['', -1]
  const terminal = {
    out: (text: string) => {
      out += text
    },
    err: () => {},
    setExitCode: (exitCode: number) => {
      code = exitCode
    },
    env: {},
    cwd,
    colour: false,
  }
  await run(argv, terminal, { onTerminate: () => {}, onReload: () => {}, onExit: () => {} })
  return { out, code }
}

/** Applies the text from below the heading of a change to the next empty line, as a reader would copy it. */
function copyFrom(out: string): void {
  const change =
    /^This change to (\S+), line [0-9]+, would allow the request:\n\n([\s\S]*?)\n\n(?=[A-Z])/m.exec(out)
  if (change !== null) {
    execFileSync('git', ['apply', '-'], { cwd, input: `${change[2]}\n` })
    return
  }
  const whole = /^This new file, (\S+), would allow the request:\n\n([\s\S]*?)\n\n(?=[A-Z])/m.exec(out)
  if (whole === null) throw new Error(`nothing to copy in ${out}`)
  const path = join(cwd, whole[1] ?? '')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${whole[2]}\n`)
}

test.each<[bucket: string, origin: string, method: string, headers: readonly string[]]>([
  ['uploads', 'https://new.example.net', 'PUT', ['content-type']],
  ['public-assets', 'https://app.example.com', 'PUT', ['content-type', 'x-amz-date']],
  ['public-assets', 'https://studio.example.com', 'DELETE', []],
  ['examplebucket-1250000000', 'https://app.example.com', 'GET', ['authorization']],
  ['any', 'https://app.example.com', 'POST', ['content-type']],
  ['web', 'https://staging.example.com', 'DELETE', ['authorization']],
  ['loomio', 'https://app.example.org', 'PUT', ['content-type']],
  ['local', 'http://localhost:8080', 'PUT', ['content-type', 'x-requested-with']],
  ['aws', 'https://app.example.com', 'DELETE', ['authorization']],
  ['nothing-yet', 'https://app.example.com', 'PUT', ['content-type', 'x-oss-date']],
  ['_service', 'https://app.example.com', 'GET', ['authorization']],
])('the change that explain prints for bucket %s, origin %s and method %s allows the request', async (bucket, origin, method, headers) => {
  const question = ['explain', '--bucket', bucket, '--origin', origin, '--method', method]
  const argv = [...question, ...headers.flatMap((name) => ['--header', name])]
  const problems = async (): Promise<number> => {
    const { out } = await command('check', '--format', 'json', 'rules')
    const findings: readonly { readonly severity: string }[] = JSON.parse(out)
    return findings.filter(({ severity }) => severity !== 'info').length
  }
  const before = await problems()
  const refused = await command(...argv)
  expect(refused.code).toBe(1)
  copyFrom(refused.out)
  expect((await command(...argv)).code).toBe(0)
  expect(await problems()).toBeLessThanOrEqual(before)
})

test('the README shows what explain prints for the rule files of the repository', async () => {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8')
  const [, line = '', shown = ''] =
    /```console\n\$ cors-sidecar (explain .*)\n([\s\S]*?)```/.exec(readme) ?? []
  const { out, code } = await command(...line.split(' '))
  expect(code).toBe(1)
  expect(shown).not.toBe('')
  expect(out.startsWith(shown)).toBe(true)
})
