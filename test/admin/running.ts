import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request as send } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type AdminOptions, createAdmin } from '../../src/admin/admin.ts'
import { createLog } from '../../src/log/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { createDenials } from '../../src/requests/denials.ts'
import { noStoreHealth } from '../../src/requests/store-health.ts'
import { rule, ruleFile, setup, snapshotOf } from '../core.ts'

export const photos = snapshotOf({
  photos: ruleFile({
    rules: [rule({ id: 'web', allowedMethods: ['GET', 'PUT'], allowedHeaders: ['content-type'] })],
  }),
})

/** The text of the rules in {@link photos}. */
export const photosText = `rules:
  - id: web
    allowedOrigins: ["https://example.com"]
    allowedMethods: [GET, PUT]
    allowedHeaders: [content-type]
    exposeHeaders: [ETag]
`

/** A rules directory, removed after the test. */
export function rulesDirectory(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'admin-rules-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  running.push(async () => rmSync(folder, { recursive: true }))
  return folder
}

const running: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of running.splice(0)) await close()
})

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly json: () => unknown
}

export interface RunningAdmin {
  readonly port: number
  readonly call: (
    path: string,
    options?: { method?: string; headers?: Readonly<Record<string, string | string[]>>; body?: string },
  ) => Promise<Answered>
}

/** An admin port on a free port of 127.0.0.1, closed after the test. */
export async function startAdmin(
  options: Partial<AdminOptions> = {},
  host = '127.0.0.1',
  at = 0,
): Promise<RunningAdmin> {
  const admin = createAdmin({
    rules: () => photos,
    reload: async () => 'unchanged',
    setup,
    directory: '/nonexistent',
    store: {
      address: 'http://store.test:9000',
      health: () => noStoreHealth(0),
      probe: async () => {},
    },
    endpoint: () => 'http://localhost:8080',
    metrics: createMetrics({ version: '1.2.3' }),
    denials: createDenials(),
    log: createLog({ level: 'silent' }),
    health: { live: () => true, ready: () => true, drained: async () => false },
    tokenFile: undefined,
    version: '1.2.3',
    ...options,
  })
  const { port } = await admin.listen({ host, port: at })
  running.push(() => admin.close())
  return { port, call: (path, more = {}) => call({ host, port, path, ...more }) }
}

function call(options: {
  host: string
  port: number
  path: string
  method?: string
  headers?: Readonly<Record<string, string | string[]>>
  body?: string
}): Promise<Answered> {
  const { body: sent, headers, ...rest } = options
  return new Promise((resolve, reject) => {
    const request = send({ ...rest, agent: false, headers: { ...headers } }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        body += piece
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body,
          json: () => JSON.parse(body),
        }),
      )
    })
    request.on('error', reject)
    request.end(sent)
  })
}
