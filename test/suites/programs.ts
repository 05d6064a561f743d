import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { versionOf } from './command.ts'
import { accessKeyId, secretAccessKey } from './stores.ts'
import { NotTested } from './suite.ts'

/** A client program and its commands, in order. */
export interface ClientProgram {
  readonly name: string
  /** Throws {@link NotTested}. */
  version(): string
  env(endpoint: string): Readonly<Record<string, string>>
  /** Command lines. Downloads go to `back`. */
  steps(endpoint: string): readonly (readonly string[])[]
}

/** A header value in two scripts beyond Latin-1. */
const disposition = 'attachment; filename="日本 café.txt"'

const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
const aws = {
  ...keys,
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_MAX_ATTEMPTS: '1',
  AWS_EC2_METADATA_DISABLED: 'true',
}

const api = (operation: string, ...more: readonly string[]): readonly string[] => [
  ...['aws', 's3api', operation, '--bucket', 'suite'],
  ...more,
]

const awsCli: ClientProgram = {
  name: 'aws-cli',
  version: () => versionOf('aws', '--version'),
  env: (endpoint) => ({ ...aws, AWS_ENDPOINT_URL: endpoint }),
  steps: () => [
    ['aws', 's3', 'mb', 's3://suite'],
    ['aws', 's3', 'cp', 'tree', 's3://suite/tree', '--recursive', '--no-progress'],
    ['aws', 's3', 'ls', 's3://suite', '--recursive', '--summarize'],
    ['aws', 's3', 'cp', 'large.bin', 's3://suite/large.bin', '--no-progress'],
    api('put-object', '--key', 'named', '--body', 'note.txt', '--content-disposition', disposition),
    api('head-object', '--key', 'named'),
    api(
      'put-object',
      '--key',
      'meta',
      '--body',
      'note.txt',
      '--metadata',
      'a=b,C=D',
      '--checksum-algorithm',
      'SHA256',
    ),
    api('head-object', '--key', 'meta', '--checksum-mode', 'ENABLED'),
    api('get-object', '--key', 'large.bin', '--range', 'bytes=100-199', 'back/range.bin'),
    api('get-object', '--key', 'absent', 'back/absent'),
    api('list-objects-v2', '--prefix', 'tree/ü'),
    ['aws', 's3', 'sync', 's3://suite/tree', 'back/tree', '--no-progress'],
    ['aws', 's3', 'cp', 's3://suite/large.bin', 'back/large.bin', '--no-progress'],
    ['aws', 's3', 'mv', 's3://suite/named', 's3://suite/moved name', '--no-progress'],
    ['aws', 's3', 'cp', 'note.txt', 's3://absent-bucket/x', '--no-progress'],
    ['aws', 's3', 'rm', 's3://suite', '--recursive'],
    ['aws', 's3', 'rb', 's3://suite'],
  ],
}

const rcloneClient: ClientProgram = {
  name: 'rclone',
  version: () => versionOf('rclone', 'version'),
  env: (endpoint) => ({
    RCLONE_CONFIG_STORE_TYPE: 's3',
    RCLONE_CONFIG_STORE_PROVIDER: 'Other',
    RCLONE_CONFIG_STORE_ACCESS_KEY_ID: accessKeyId,
    RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: secretAccessKey,
    RCLONE_CONFIG_STORE_ENDPOINT: endpoint,
    RCLONE_CONFIG_STORE_REGION: 'us-east-1',
    RCLONE_RETRIES: '1',
    RCLONE_LOW_LEVEL_RETRIES: '1',
    RCLONE_STATS: '0',
  }),
  steps: () => [
    ['rclone', 'mkdir', 'store:suite'],
    ['rclone', 'copy', 'tree', 'store:suite/tree', '--header-upload', `Content-Disposition: ${disposition}`],
    [
      'rclone',
      'copyto',
      'large.bin',
      'store:suite/large.bin',
      '--s3-upload-cutoff',
      '5M',
      '--s3-chunk-size',
      '5M',
    ],
    ['rclone', 'check', 'tree', 'store:suite/tree', '--one-way'],
    ['rclone', 'lsf', '-R', '--format', 'psh', 'store:suite'],
    ['rclone', 'copyto', 'store:suite/large.bin', 'store:suite/copied ü.bin'],
    ['rclone', 'cat', '--offset', '100', '--count', '20', 'store:suite/tree/note.txt'],
    ['rclone', 'sync', 'store:suite', 'back'],
    ['rclone', 'touch', 'store:suite/touched'],
    ['rclone', 'rcat', 'store:suite/streamed'],
    ['rclone', 'deletefile', 'store:suite/absent'],
    ['rclone', 'purge', 'store:suite'],
    ['rclone', 'lsf', 'store:'],
  ],
}

const s3cmd: ClientProgram = {
  name: 's3cmd',
  version: () => versionOf('s3cmd', '--version'),
  env: () => ({}),
  steps: (endpoint) => {
    const { host } = new URL(endpoint)
    const where = [
      `--host=${host}`,
      `--host-bucket=${host}`,
      '--no-ssl',
      '--region=us-east-1',
      '--no-progress',
    ]
    const asked = ['s3cmd', ...where, `--access_key=${accessKeyId}`, `--secret_key=${secretAccessKey}`]
    const named = `--add-header=Content-Disposition: ${disposition}`
    return [
      [...asked, 'mb', 's3://suite'],
      [...asked, 'put', '--recursive', named, 'tree', 's3://suite/'],
      [...asked, 'put', '--multipart-chunk-size-mb=5', 'large.bin', 's3://suite/large.bin'],
      [...asked, 'ls', '--recursive', 's3://suite'],
      [...asked, 'info', 's3://suite/tree/note.txt'],
      [...asked, 'get', '--recursive', 's3://suite/', 'back/'],
      [...asked, 'cp', 's3://suite/tree/note.txt', 's3://suite/copied ü'],
      [...asked, 'modify', '--add-header=Cache-Control: no-store', 's3://suite/copied ü'],
      [...asked, 'get', 's3://suite/absent', 'back/absent'],
      [...asked, 'put', 'note.txt', 's3://absent-bucket/x'],
      [...asked, 'del', '--recursive', '--force', 's3://suite/'],
      [...asked, 'rb', 's3://suite'],
    ]
  },
}

const restic: ClientProgram = {
  name: 'restic',
  version: () => versionOf('restic', 'version'),
  env: (endpoint) => ({
    ...keys,
    RESTIC_REPOSITORY: `s3:${endpoint}/suite/backup`,
    RESTIC_PASSWORD: 'not-a-secret',
    RESTIC_CACHE_DIR: 'cache',
  }),
  steps: () => [
    ['restic', 'init'],
    ['restic', 'backup', '--quiet', 'tree', 'large.bin'],
    ['restic', 'ls', 'latest'],
    ['restic', 'check', '--quiet', '--read-data'],
    ['restic', 'restore', '--quiet', 'latest', '--target', 'back'],
    ['restic', 'forget', '--quiet', '--prune', '--keep-last', '1'],
  ],
}

const mc: ClientProgram = {
  name: 'mc',
  version: () => versionOf('mc', '--version'),
  env: (endpoint) => ({
    MC_HOST_store: endpoint.replace('://', `://${accessKeyId}:${secretAccessKey}@`),
    MC_CONFIG_DIR: 'mc-config',
    MC_QUIET: '1',
    MC_NO_COLOR: '1',
  }),
  steps: () => [
    ['mc', 'mb', 'store/suite'],
    ['mc', 'mirror', 'tree', 'store/suite/tree'],
    ['mc', 'cp', '--attr', `Content-Disposition=${disposition};a=b`, 'large.bin', 'store/suite/large.bin'],
    ['mc', 'cp', '--checksum', 'CRC32C', 'note.txt', 'store/suite/checked'],
    ['mc', 'ls', '--recursive', 'store/suite'],
    ['mc', 'stat', 'store/suite/large.bin'],
    ['mc', 'diff', 'tree', 'store/suite/tree'],
    ['mc', 'cat', '--offset', '100', 'store/suite/tree/note.txt'],
    ['mc', 'pipe', 'store/suite/streamed'],
    ['mc', 'tag', 'set', 'store/suite/large.bin', 'k=v&w=x'],
    ['mc', 'tag', 'list', 'store/suite/large.bin'],
    ['mc', 'cp', 'store/suite/large.bin', 'store/suite/copied ü'],
    ['mc', 'mirror', 'store/suite/tree', 'back'],
    ['mc', 'version', 'enable', 'store/suite'],
    ['mc', 'cat', 'store/suite/absent'],
    ['mc', 'rm', '--recursive', '--force', 'store/suite'],
    ['mc', 'rb', '--force', 'store/suite'],
  ],
}

const s5cmd: ClientProgram = {
  name: 's5cmd',
  version: () => versionOf(builtS5cmd(), 'version').replace('v0.0.0-dev', s5cmdVersion),
  env: (endpoint) => ({ ...aws, S3_ENDPOINT_URL: endpoint }),
  steps: () =>
    [
      ['mb', 's3://suite'],
      ['cp', 'tree/', 's3://suite/tree/'],
      ['cp', '--part-size', '5', '--content-disposition', disposition, 'large.bin', 's3://suite/large.bin'],
      ['ls', '-e', 's3://suite/*'],
      ['cp', 's3://suite/*', 'back/'],
      ['cat', 's3://suite/tree/note.txt'],
      ['mv', 's3://suite/large.bin', 's3://suite/moved ü'],
      ['du', 's3://suite/*'],
      ['cp', 's3://suite/absent', 'back/absent'],
      ['rm', 's3://suite/*'],
      ['rb', 's3://suite'],
    ].map((words) => [builtS5cmd(), '--retry-count', '1', '--numworkers', '1', ...words]),
}

const s5cmdVersion = 'v2.3.0'
let s5cmdPath: string | undefined

/**
 * Built from the source in the module cache, because `go install` needs the module's version list, which a proxy
 * may lack.
 */
function builtS5cmd(): string {
  if (s5cmdPath !== undefined) return s5cmdPath
  const module = `github.com/peak/s5cmd/v2@${s5cmdVersion}`
  const downloaded = spawnSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8' })
  if (downloaded.error !== undefined) throw new NotTested('go is not installed')
  const folder: unknown = downloaded.status === 0 ? JSON.parse(downloaded.stdout).Dir : undefined
  if (typeof folder !== 'string') throw new NotTested(`${module} cannot be downloaded`)
  const path = join(mkdtempSync(join(tmpdir(), 'suites-s5cmd-')), 's5cmd')
  const built = spawnSync('go', ['build', '-mod=readonly', '-o', path, '.'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new NotTested(`${module} cannot be built: ${built.stderr.slice(-300).trim()}`)
  s5cmdPath = path
  return path
}

export const clientPrograms: readonly ClientProgram[] = [awsCli, rcloneClient, s3cmd, restic, mc, s5cmd]

/** `tree`, `note.txt` and `large.bin`, always the same, and an empty `back`. */
export async function makeFiles(folder: string): Promise<void> {
  const tree = join(folder, 'tree')
  await mkdir(join(tree, 'ü folder/日本'), { recursive: true })
  await mkdir(join(folder, 'back'))
  const note = 'a note, in words that repeat. '.repeat(100)
  const names = [
    'note.txt',
    'with space',
    'plus+plus',
    'per%41cent',
    'ü folder/日本/語.txt',
    'émoji 😀',
    "quote'",
    'hash#x',
    'amp&x=1',
  ]
  for (const name of names) await writeFile(join(tree, name), `${name}\n${note}`)
  await writeFile(join(tree, 'empty'), '')
  await writeFile(join(folder, 'note.txt'), note)
  await writeFile(
    join(folder, 'large.bin'),
    Buffer.alloc(12 << 20, 'some bytes that are the same in every run; '),
  )
  // Clients compare times: files of the same second as their copies differ in some runs and not in others.
  for (const name of [...names, 'empty']) await utimes(join(tree, name), written, written)
}

const written = new Date('2020-02-02T02:02:02Z')

/** Names and contents of all files below `folder`. */
export async function treeHash(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const file of files.sort()) hash.update(`${relative(folder, file)}\0`).update(await readFile(file))
  return `ok ${files.length} files ${hash.digest('hex').slice(0, 16)}`
}
