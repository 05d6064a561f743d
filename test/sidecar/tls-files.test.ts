import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/log/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { followAuthorities, followCertificate } from '../../src/sidecar/tls-files.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))

function settingsWith(flags: Readonly<Record<string, string>>) {
  const read = readSettings({
    flags: { upstream: 'https://localhost', ...flags },
    environment: {},
    config: undefined,
  })
  if (read.kind === 'issues') throw new Error(read.issues.join('\n'))
  return read.settings
}

function recordingLog() {
  const lines: string[] = []
  const log = createLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } })
  const messages = (): string[] => lines.map((line) => `${JSON.parse(line).level}: ${JSON.parse(line).msg}`)
  return { log, messages }
}

test('CA certificates are read again when their file changes; an invalid file keeps the old ones, and both are logged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'authorities-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'ca.pem')
  const replace = (write: (path: string) => void): void => {
    write(`${file}.new`)
    renameSync(`${file}.new`, file)
  }
  replace((path) => copyFileSync(fixture('ca.pem'), path))
  const { log, messages } = recordingLog()
  const { current, stop } = await followAuthorities(settingsWith({ upstreamCa: file }), log)
  onTestFinished(stop)
  const old = readFileSync(fixture('ca.pem'), 'utf8')
  expect(current()).toBe(old)
  // The first check only records the current state.
  await new Promise((resolve) => setTimeout(resolve, 100))

  replace((path) => writeFileSync(path, 'no certificate'))
  const refused = 'error: the new --upstream-ca file is unusable; the old CAs stay trusted: fix the file'
  await expect.poll(messages, { timeout: 10_000 }).toEqual([refused])
  expect(current()).toBe(old)

  replace((path) => copyFileSync(fixture('elsewhere.pem'), path))
  const taken = 'info: --upstream-ca has changed: new connections to the store trust the new authorities'
  await expect.poll(messages, { timeout: 10_000 }).toEqual([refused, taken])
  expect(current()).toBe(readFileSync(fixture('elsewhere.pem'), 'utf8'))
})

test('the expiry of the certificate is a metric; an expired, a new and an unusable one are logged', async () => {
  const { log, messages } = recordingLog()
  const metrics = createMetrics({ version: '1' })
  const settings = settingsWith({ tlsCert: fixture('localhost.pem'), tlsKey: fixture('localhost.key') })
  const events = followCertificate(settings, { log, metrics })
  const expiry = Date.UTC(2020, 0, 2)
  events.served({ cert: '', key: '', expiry })
  events.expired({ cert: '', key: '', expiry })
  expect(messages()).toEqual([
    'error: the certificate of --tls-cert has expired and clients reject it: replace the file',
  ])
  const family = (await metrics.families()).find(({ name }) => name.includes('certificate'))
  expect(family).toMatchObject({
    name: 'cors_sidecar_tls_certificate_expiry_timestamp_seconds',
    samples: [{ value: expiry / 1000 }],
  })
  events.served({ cert: '', key: '', expiry: expiry + 1_000 })
  events.refused(new Error('x'))
  expect(messages().slice(1)).toEqual([
    'info: the data port now uses the new certificate from --tls-cert',
    'error: the new certificate in --tls-cert is unusable; still using the old one: fix the file',
  ])
})

test('without TLS on the data port there is no such metric', async () => {
  const { log } = recordingLog()
  const metrics = createMetrics({ version: '1' })
  followCertificate(settingsWith({}), { log, metrics })
  expect((await metrics.families()).filter(({ name }) => name.includes('certificate'))).toEqual([])
})
