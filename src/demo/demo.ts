import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DialectName } from '../cors/rule.ts'
import { readSettings, type Settings } from '../settings/settings.ts'
import { demoBuckets, exampleObjects, exampleRules } from './example-data.ts'
import { openFolderStore } from './folder-store.ts'
import { loopback, openLocalPort, wantedOrAny } from './local-port.ts'
import { servePage } from './page-server.ts'
import type { PageSetup } from './page-setup.ts'
import { writeRuleFile } from './rule-files.ts'

/** The part of a running sidecar that the demo uses. */
export interface DemoSidecar {
  readonly dataAddress: { readonly port: number }
  readonly adminAddress: { readonly port: number }
  close(): Promise<void>
}

export type StartSidecar = (settings: Settings) => Promise<DemoSidecar>

/** Preferred ports; 0 means any free one. */
export interface DemoPorts {
  readonly page: number
  readonly data: number
  readonly admin: number
}

export interface DemoOptions {
  readonly dialect: DialectName
  readonly ports: DemoPorts
  readonly logLevel: Settings['logLevel']
}

export interface Demo {
  readonly setup: PageSetup
  readonly ports: DemoPorts
  /** Stops everything and removes the demo's folder. */
  close(): Promise<void>
}

const megabyte = 1024 * 1024
const storeBounds = { maxObjectBytes: 8 * megabyte, maxTotalBytes: 64 * megabyte }

/**
 * Starts the whole demo on loopback: a folder store, the sidecar in front of it with the example rules, and the page on
 * a separate origin. All files are in one temporary folder. If a port is in use, a free one is used instead. Rejects if
 * a part cannot start, after cleaning up.
 */
export async function startDemo(options: DemoOptions, startSidecar: StartSidecar): Promise<Demo> {
  const undo: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    // In reverse order, so that no part calls one that has stopped.
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'cors-sidecar-demo-'))
    undo.push(() => rm(folder, { recursive: true, force: true }))
    const store = await openLocalPort(0)
    undo.push(store.close)
    store.serve(await openStore(join(folder, 'store')))
    const storeOrigin = `http://${loopback}:${store.port}`
    await storeExamples(storeOrigin)

    // The rules contain the origin of the page, so its port must be known before the sidecar starts.
    const page = await openLocalPort(options.ports.page)
    undo.push(page.close)
    const pageOrigins = [`http://${loopback}:${page.port}`, `http://localhost:${page.port}`]
    const rulesFolder = join(folder, 'rules')
    const examples = exampleRules(pageOrigins)
    await mkdir(rulesFolder)
    for (const bucket of demoBuckets) await writeRuleFile(rulesFolder, bucket, examples[bucket])

    const sidecar = await startSidecar(await settingsFor(options, storeOrigin, rulesFolder))
    undo.push(() => sidecar.close())
    const ports = { page: page.port, data: sidecar.dataAddress.port, admin: sidecar.adminAddress.port }
    const setup: PageSetup = {
      dialect: options.dialect,
      pageOrigins,
      sidecarOrigin: `http://${loopback}:${ports.data}`,
      adminOrigin: `http://${loopback}:${ports.admin}`,
      storeOrigin,
      maxObjectBytes: storeBounds.maxObjectBytes,
      rulesFolder,
      examples,
    }
    page.serve(servePage(setup))
    return { setup, ports, close }
  } catch (error) {
    await close()
    throw error
  }
}

function openStore(root: string): Promise<RequestListener> {
  return openFolderStore({ root, buckets: demoBuckets, ...storeBounds })
}

async function storeExamples(storeOrigin: string): Promise<void> {
  for (const { path, type, body } of exampleObjects)
    await fetch(`${storeOrigin}${path}`, { method: 'PUT', headers: { 'content-type': type }, body })
}

async function settingsFor(options: DemoOptions, upstream: string, rules: string): Promise<Settings> {
  const read = readSettings({
    flags: { upstream, rules, dialect: options.dialect, logLevel: options.logLevel },
    environment: {},
    config: undefined,
  })
  if (read.kind === 'issues')
    throw new Error(`The demo's own settings are refused: ${read.issues.join(', ')}`)
  const listen = { host: loopback, port: await wantedOrAny(options.ports.data) }
  const admin = { host: loopback, port: await wantedOrAny(options.ports.admin) }
  return { ...read.settings, listen, admin }
}
