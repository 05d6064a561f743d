import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type CertificatePair, readCertificate, watchCertificate } from '../../src/proxy/certificate.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'
import { exchange } from './exchange.ts'

/** Whether the process has run out of file descriptors. */
let exhausted = false
vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>()
  const read = async (...args: Parameters<typeof actual.readFile>): Promise<unknown> => {
    if (exhausted) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
    return actual.readFile(...args)
  }
  return { ...actual, readFile: read }
})

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unread-files-'))
})
afterEach(async () => {
  exhausted = false
  await rm(folder, { recursive: true })
})

const fixture = (name: string): URL => new URL(`../fixtures/tls/${name}`, import.meta.url)

test('a new certificate that could not be read because too many files were open is loaded later', async () => {
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  const write = async (name: string): Promise<CertificatePair> => {
    const pair = {
      expiry: expect.any(Number),
      cert: await readFile(fixture(`${name}.pem`), 'utf8'),
      key: await readFile(fixture(`${name}.key`), 'utf8'),
    }
    await writeFile(files.certFile, pair.cert)
    await writeFile(files.keyFile, pair.key)
    return pair
  }
  await write('localhost')
  const first = readCertificate(files)
  const replaced = Promise.withResolvers<CertificatePair>()
  const refusals: unknown[] = []
  const refused = Promise.withResolvers<void>()
  const stop = watchCertificate(files, first, replaced.resolve, {
    served: () => {},
    expired: () => {},
    refused(error) {
      refusals.push(error)
      refused.resolve()
    },
  })
  try {
    // The first check only records the current state.
    await vi.waitFor(() => new Promise((resolve) => setImmediate(resolve)))
    const pair = await write('elsewhere')
    exhausted = true
    await refused.promise
    exhausted = false
    expect(await replaced.promise).toEqual(pair)
    expect(refusals).toEqual([expect.objectContaining({ code: 'EMFILE' })])
  } finally {
    stop()
  }
})

test('a console page that could not be read because too many files were open is shown later', async () => {
  const flags = {
    upstream: 'http://127.0.0.1:9',
    rules: folder,
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    logLevel: 'silent',
  }
  const read = readSettings({ flags, environment: {}, config: undefined })
  if (read.kind === 'issues') throw new Error(read.issues.join('\n'))
  const sidecar = await startSidecar(read.settings)
  try {
    const page = `http://127.0.0.1:${sidecar.adminAddress.port}/`
    exhausted = true
    await expect(exchange(page)).rejects.toThrow()
    exhausted = false
    expect((await exchange(page)).status).toBe(200)
  } finally {
    await sidecar.close()
  }
})
