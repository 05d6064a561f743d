import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, type IncomingHttpHeaders, request as send } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { folderWith } from '../rules/directory.ts'
import { endProgram, type Program, startProgram } from '../serve/program.ts'
import { customHost, hosts, methods, paths, suffix } from './spellings.ts'
import { isInstalled, type RealStore, stores } from './stores.ts'

/** Each bucket allows only the origin of its name; `_default` allows both. */
const origins = { public: 'https://public.example', private: 'https://private.example' } as const
type Bucket = keyof typeof origins

const rules = (...allowed: readonly string[]): string => `rules:
  - allowedOrigins: [${allowed.map((origin) => `"${origin}"`).join(', ')}]
    allowedMethods: [GET, HEAD, PUT, POST, DELETE]
    allowedHeaders: ["*"]
    maxAgeSeconds: 5
`
const files = {
  'public.yaml': `${rules(origins.public)}hosts: [${customHost}]\n`,
  'private.yaml': rules(origins.private),
  '_default.yaml': rules(origins.public, origins.private),
}

interface Spelling {
  readonly host: string
  readonly path: string
  readonly method: string
  readonly origin: string
}

interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What the store changes with every response, or what the sidecar is meant to change. */
const ownOfEach =
  /^(?:date|connection|keep-alive|vary|access-control-.*|x-amz-request-id|x-amz-id-2|x-ratelimit-.*)$/

const textOf = ({ status, headers, body }: Answered): string =>
  JSON.stringify({
    status,
    headers: Object.entries(headers)
      .filter(([name]) => !ownOfEach.test(name))
      .sort(([one], [other]) => (one < other ? -1 : 1)),
    body: body.replace(/<(RequestId|HostId)>[^<]*<\/\1>/g, ''),
  })

const refusals =
  /The request target (?:contains|is not a path)|The Host header (?:must give|is not a host name)|The (?:host name|port) in the Host header must/

/** The bucket whose object or list `body` is. */
function openedIn(body: string): Bucket | undefined {
  const [, object, list] = /object of (public|private):|<Name>(public|private)<\/Name>/.exec(body) ?? []
  const name = object ?? list
  return name === 'public' || name === 'private' ? name : undefined
}

const agents = new Map<string, Agent>()

function ask(base: string, { host, path, method, origin }: Spelling): Promise<Answered> {
  const { port } = new URL(base)
  let agent = agents.get(port)
  if (agent === undefined) {
    agent = new Agent({ keepAlive: true, maxSockets: 16 })
    agents.set(port, agent)
  }
  const preflight = method === 'OPTIONS' ? { 'Access-Control-Request-Method': 'GET' } : {}
  const options = { host: '127.0.0.1', port, path, method, agent }
  return new Promise((resolve, reject) => {
    const request = send(
      { ...options, headers: { Host: host, Origin: origin, ...preflight } },
      (response) => {
        let body = ''
        response.setEncoding('latin1')
        response.on('data', (piece: string) => {
          body += piece
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        )
      },
    )
    request.on('error', reject)
    request.end()
  })
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: 16 }, lane))
}

const required = new Set((process.env.CI_REQUIRE_STORES ?? '').split(',').filter((name) => name !== ''))

for (const { name, program: needed, start } of stores)
  describe.skipIf(!isInstalled(needed) && !required.has(needed))(name, () => {
    let store: RealStore
    let sidecar: Program
    let folder = ''

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'stores-rules-'))
      const directory = await folderWith(join(folder, 'rules'), files)
      store = await start()
      const flags = ['--host-suffix', suffix, '--dialect', 's3', '--bucket-cors-api', 'off']
      sidecar = await startProgram(store.url, directory, flags, { observe: () => {} })
    })
    afterAll(async () => {
      for (const agent of agents.values()) agent.destroy()
      agents.clear()
      if (sidecar !== undefined) await endProgram(sidecar)
      await store?.close()
      await rm(folder, { recursive: true, force: true })
    })

    test('no object is served under the rules of another bucket, and every answer equals the store’s', async () => {
      const wrong: string[] = []
      const counts = { spellings: 0, refused: 0, opened: 0, decorated: 0 }
      const places = hosts.flatMap((host) => paths.map((path) => ({ host, path })))
      await inParallel(places, async ({ host, path }) => {
        let opened: Bucket | undefined
        const refusedTo = new Set<string>()
        for (const method of [...methods, 'OPTIONS']) {
          counts.spellings++
          const direct =
            method === 'OPTIONS' ? undefined : await ask(store.url, { host, path, method, origin: 'null' })
          if (direct !== undefined && method === 'GET') opened = openedIn(direct.body)
          for (const origin of Object.values(origins)) {
            // What is refused for everybody is tested once.
            if (method === 'DELETE' && origin !== origins.public) continue
            const through = await ask(sidecar.data, { host, path, method, origin })
            const shown = `${method} ${path} at ${host} from ${origin}`
            // A refused HEAD has no body with the reason; its GET came before.
            if (refusals.test(through.body)) refusedTo.add(origin)
            if (refusedTo.has(origin)) {
              expect(through.status, shown).toBe(400)
              counts.refused++
              continue
            }
            if (direct !== undefined && textOf(through) !== textOf(direct))
              wrong.push(`${shown}: ${textOf(direct)} became ${textOf(through)}`)
            if (opened === undefined) continue
            counts.opened++
            const allowed = through.headers['access-control-allow-origin']
            if (allowed === origin) counts.decorated++
            if (allowed !== undefined && origin !== origins[opened])
              wrong.push(`${shown}: ${opened} is open to ${allowed}`)
          }
        }
      })
      console.log(`${name}: ${JSON.stringify(counts)}`)
      expect(wrong.slice(0, 20)).toEqual([])
      // Proves that objects were opened and CORS headers sent at all.
      expect(counts.spellings).toBeGreaterThan(5_000)
      expect(counts.opened).toBeGreaterThan(100)
      expect(counts.decorated).toBeGreaterThan(20)
    })
  })

test('at least one store is installed', () => {
  expect(stores.some(({ program }) => isInstalled(program))).toBe(true)
})
