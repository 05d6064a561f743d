import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Demo, startDemo } from '../../src/demo/demo.ts'
import { type LocalPort, openLocalPort } from '../../src/demo/local-port.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'

const anyPorts = { page: 0, data: 0, admin: 0 }
const options = { dialect: 'cos', ports: anyPorts, logLevel: 'silent' } as const

describe('the demo', () => {
  let demo: Demo | undefined
  let taken: LocalPort | undefined

  afterEach(async () => {
    await demo?.close()
    await taken?.close()
    demo = undefined
    taken = undefined
  })

  test('serves page, sidecar, admin port and store on loopback', async () => {
    demo = await startDemo(options, startSidecar)
    const { setup } = demo
    const page = await fetch(`${setup.pageOrigins[0]}/`)
    expect(page.status).toBe(200)
    const decorated = await fetch(`${setup.sidecarOrigin}/photos/welcome.txt`, {
      headers: { origin: setup.pageOrigins[0] ?? '' },
    })
    expect(decorated.headers.get('access-control-allow-origin')).toBe(setup.pageOrigins[0])
    expect((await fetch(`${setup.adminOrigin}/healthz`)).status).toBe(200)
    expect((await fetch(`${setup.storeOrigin}/photos/welcome.txt`)).status).toBe(200)
    expect((await fetch(`${setup.storeOrigin}/reports/q2.csv`)).status).toBe(200)
  })

  test('leaves nothing behind when it ends', async () => {
    demo = await startDemo(options, startSidecar)
    const folder = dirname(demo.setup.rulesFolder)
    expect(existsSync(folder)).toBe(true)
    // An open keep-alive connection must not delay the end.
    await fetch(`${demo.setup.sidecarOrigin}/photos/welcome.txt`)
    await demo.close()
    expect(existsSync(folder)).toBe(false)
    await expect(fetch(`${demo.setup.pageOrigins[0]}/`)).rejects.toThrow()
    await expect(fetch(`${demo.setup.sidecarOrigin}/`)).rejects.toThrow()
    await expect(fetch(`${demo.setup.adminOrigin}/`)).rejects.toThrow()
    await expect(fetch(`${demo.setup.storeOrigin}/`)).rejects.toThrow()
  })

  test.each([
    'page',
    'data',
    'admin',
  ] as const)('takes a free port when that of its %s is taken', async (part) => {
    taken = await openLocalPort(0)
    demo = await startDemo({ ...options, ports: { ...anyPorts, [part]: taken.port } }, startSidecar)
    expect(demo.ports[part]).not.toBe(taken.port)
    expect(demo.ports[part]).toBeGreaterThan(0)
  })

  test('leaves nothing behind when the sidecar cannot start', async () => {
    let folder = ''
    const failing = startDemo(options, async ({ rules }) => {
      folder = dirname(rules)
      expect(await readFile(join(rules, 'photos.yaml'), 'utf8')).toContain('id: page-uploads')
      throw new Error('no sidecar today')
    })
    await expect(failing).rejects.toThrow('no sidecar today')
    expect(folder).not.toBe('')
    expect(existsSync(folder)).toBe(false)
  })
})
