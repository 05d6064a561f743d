import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { folderWith } from '../rules/directory.ts'
import { exchange, preflight } from './exchange.ts'
import { generationFile, origin } from './generations.ts'
import { startProgram } from './program.ts'
import { startStore } from './store.ts'

/** Prints every address that the process connects to on stderr. */
const watched = `
  import net from 'node:net'
  const { connect } = net.Socket.prototype
  net.Socket.prototype.connect = function (...given) {
    const [options] = Array.isArray(given[0]) ? given[0] : given
    process.stderr.write('connects to ' + (options.path ?? options.host + ':' + options.port) + '\\n')
    return connect.apply(this, given)
  }`

test('connects to the store, and to nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'connections-out-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const store = await startStore()
  onTestFinished(() => store.close())
  const rules = await folderWith(join(folder, 'rules'), { 'site.yaml': generationFile(1) })
  const program = await startProgram(store.url, rules, [], {
    nodeFlags: ['--import', `data:text/javascript,${encodeURIComponent(watched)}`],
  })
  for (const options of [{}, { method: 'HEAD' }, { method: 'PUT', body: 'x' }, preflight(origin)])
    await exchange(`${program.data}/site/object`, options)
  for (const path of ['/metrics', '/', '/-/rules', '/-/denials']) await exchange(`${program.admin}${path}`)
  program.signal('SIGTERM')
  const { code, err } = await program.ended
  expect(code).toBe(0)
  const lines = new Set(err.trim().split('\n'))
  expect(lines).toEqual(new Set([`connects to ${new URL(store.url).host}`]))
})
