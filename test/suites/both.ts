import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endProgram, startProgram } from '../serve/program.ts'
import { accessKeyId, type Store, type StoreKind, secretAccessKey } from './stores.ts'
import type { Compared, Outcomes } from './suite.ts'

/** Runs a client against `endpoint`, in a folder of its own. */
export type Client = (endpoint: string, folder: string) => Promise<Outcomes>

export interface InFront {
  readonly flags: readonly string[]
  /** Buckets with rules. */
  readonly buckets: readonly string[]
}

/** Runs `client` with a new store, and at the same time through the sidecar with another one; both start empty. */
export async function runBoth(store: StoreKind, inFront: InFront, client: Client): Promise<Compared> {
  const [direct, through] = await Promise.all([
    before(store, ({ url }, folder) => client(url, folder)),
    before(store, (running, folder) => throughSidecar(running, inFront, folder, client)),
  ])
  return { direct, through }
}

async function before(
  { start }: StoreKind,
  work: (store: Store, folder: string) => Promise<Outcomes>,
): Promise<Outcomes> {
  const folder = await mkdtemp(join(tmpdir(), 'suites-'))
  // A store that is started as root may serve as another user.
  await chmod(folder, 0o755)
  const places = { store: join(folder, 'store'), client: join(folder, 'client') }
  await Promise.all(Object.values(places).map((place) => mkdir(place)))
  const store = await start(places.store)
  try {
    return await work(store, places.client)
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

const rules = `rules:
  - allowedOrigins: ["https://page.example"]
    allowedMethods: [GET, HEAD, PUT, POST, DELETE]
    allowedHeaders: ["*"]
`

async function throughSidecar(
  { url }: Store,
  { flags, buckets }: InFront,
  clientFolder: string,
  client: Client,
): Promise<Outcomes> {
  const folder = await mkdtemp(join(tmpdir(), 'suites-rules-'))
  const directory = join(folder, 'rules')
  await mkdir(directory)
  for (const bucket of buckets) await writeFile(join(directory, `${bucket}.yaml`), rules)
  const credentials = join(folder, 'credentials.yaml')
  await writeFile(credentials, `accessKeys:\n  - {id: ${accessKeyId}, secret: ${secretAccessKey}}\n`, {
    mode: 0o600,
  })
  const keys = flags.includes('write') ? ['--credentials', credentials] : []
  const sidecar = await startProgram(url, directory, [...flags, ...keys], { observe: () => {} })
  try {
    return await client(sidecar.data, clientFolder)
  } finally {
    await endProgram(sidecar)
    await rm(folder, { recursive: true, force: true })
  }
}
