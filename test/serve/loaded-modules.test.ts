import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { endProgram, startProgram } from './program.ts'

const probe = fileURLToPath(new URL('loaded-modules.ts', import.meta.url))

const rules = `rules:
  - allowedOrigins: ["https://example.com"]
    allowedMethods: [GET, HEAD]
`

/** The distinct packages that the serving process has loaded. */
async function packagesIn(file: string): Promise<ReadonlySet<string>> {
  const urls = (await readFile(file, 'utf8')).split('\n')
  return new Set(urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []))
}

test('the process that serves never loads a module that parses rule files, settings or access keys', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cors-sidecar-modules-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const files = {
    'a.yaml': rules,
    'b.json': '{"CORSRules":[{"AllowedOrigins":["*"],"AllowedMethods":["GET"]}]}\n',
    'bad.yaml': 'rules: [\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  await writeFile(join(folder, '.keys'), 'accessKeys: [{id: me, secret: "1234567890"}]\n')
  await writeFile(join(folder, '.settings'), 'dialect: s3\nbucketCorsApi: write\n')
  const loaded = join(folder, '.loaded')
  process.env.LOADED_MODULES = loaded
  const program = await startProgram(
    'http://127.0.0.1:9',
    folder,
    ['--credentials', join(folder, '.keys'), '--config', join(folder, '.settings')],
    { nodeFlags: [`--import=${probe}`] },
  ).finally(() => delete process.env.LOADED_MODULES)
  onTestFinished(() => endProgram(program))

  const explained = await fetch(`${program.admin}/-/explain?bucket=a&origin=https://example.com&method=GET`)
  expect(await explained.json()).toMatchObject({ decision: 'allow' })
  const checked = await fetch(`${program.admin}/-/check`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  })
  expect(checked.status).toBe(400)
  expect((await fetch(`${program.data}/a?cors`)).status).toBe(403)
  await writeFile(join(folder, 'a.yaml'), rules.replace('[GET, HEAD]', '[GET]'))
  expect((await fetch(`${program.admin}/-/reload`, { method: 'POST' })).status).toBe(200)

  const packages = await packagesIn(loaded)
  // Proves that modules were recorded at all.
  expect([...packages]).toEqual(expect.arrayContaining(['undici', 'pino', 'prom-client']))
  for (const name of ['yaml', 'zod', 'tldts', 'jsonc-parser', '@rgrove/parse-xml', 'diff'])
    expect(packages).not.toContain(name)
})
