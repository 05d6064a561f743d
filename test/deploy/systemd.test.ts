import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readSettings } from '../../src/settings/settings.ts'
import { blocksOf } from '../guides/blocks.ts'

const project = join(import.meta.dirname, '..', '..')
const blocks = blocksOf(readFileSync(join(project, 'deploy', 'guides', 'systemd.md'), 'utf8'))
const { text: unit } = blocks.find(({ text }) => text.startsWith('[Unit]')) ?? expect.fail()

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

test.skipIf(!hasSystemd)('systemd-analyze finds no mistake in the unit of the systemd guide', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'cors-sidecar.service')
  // systemd-analyze also checks that the program of ExecStart exists.
  writeFileSync(file, unit.replace('/usr/bin/node', process.execPath))
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
    encoding: 'utf8',
  })
  expect([status, `${stdout}${stderr}`]).toEqual([0, ''])
})

test('the unit waits longer than a drain before it kills the process', () => {
  const result = readSettings({
    flags: { upstream: 'http://127.0.0.1:9000', rules: '/etc/cors-sidecar/rules', dialect: 's3' },
    environment: {},
    config: undefined,
  })
  if (result.kind !== 'settings') expect.fail(JSON.stringify(result))
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])
  expect(seconds * 1000).toBeGreaterThan(result.settings.drainTimeout)
})
