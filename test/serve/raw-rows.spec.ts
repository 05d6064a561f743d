import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdRow, rows, rowTimeouts } from '../proxy/raw-row.ts'
import { recordRequests } from '../proxy/recording-store.ts'
import { report } from '../reliability/report.ts'
import { folderWith } from '../rules/directory.ts'
import { endProgram, startProgram } from './program.ts'

/** `RAW_ROWS=all` includes the rows without rules, which the data path test covers, and the slow ones. */
const all = process.env.RAW_ROWS === 'all'
const chosen = rows.filter(({ ctx, check }) => all || (ctx !== 'any' && check.slow !== true))

const rules = `rules:
  - allowedOrigins: ["https://app.example.com"]
    allowedMethods: [GET, PUT]
    allowedHeaders: [content-type, x-amz-date]
    exposeHeaders: [ETag]
`
const credentials = 'accessKeys:\n  - {id: AK, secret: "secret/with+signs"}\n'

test(`the program with rules holds ${chosen.length} raw rows, one after the other`, {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'raw-rows-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const directory = await folderWith(join(folder, 'rules'), { 'b.yaml': rules })
  await writeFile(join(folder, 'credentials.yaml'), credentials)
  const store = await recordRequests(undefined)
  const program = await startProgram(`http://127.0.0.1:${store.port}`, directory, [
    ...['--bucket-cors-api', 'write', '--credentials', join(folder, 'credentials.yaml')],
    ...['--headers-timeout', `${rowTimeouts.headersTimeout}ms`],
    ...['--upstream-timeout', `${rowTimeouts.upstreamTimeout}ms`],
    ...['--idle-timeout', `${rowTimeouts.idleTimeout}ms`],
  ])
  onTestFinished(() => endProgram(program))
  // A request may be repeated when the store resets a connection that it is not known to keep.
  store.play(undefined)
  for (let i = 0; i < 100; i++) expect(await (await fetch(`${program.data}/b/k`)).text()).toBe('ok')
  const problems: string[] = []
  let smuggled = 0
  for (const row of chosen) {
    store.play(row.upstream)
    await holdRow(row, Number(new URL(program.data).port), store).catch((error: unknown) => {
      problems.push(`${row.id}, ${row.why}: ${error instanceof Error ? error.message : String(error)}`)
    })
    smuggled +=
      store.garbage.length + store.requests.filter(({ target }) => target.includes('smuggled')).length
  }
  report({ rows: chosen.length, missed: problems.length, smuggled })
  expect(problems.join('\n')).toBe('')
  expect(program.out().filter((line) => line.includes('"exception.type"'))).toEqual([])
})
