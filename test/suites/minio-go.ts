import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runBoth } from './both.ts'
import { runCommand } from './command.ts'
import { accessKeyId, minio, secretAccessKey } from './stores.ts'
import { NotTested, type Outcomes, type Suite } from './suite.ts'

const module = 'github.com/minio/minio-go/v7@v7.4.1'

/** minio-go's functional tests in full mode, including `testCors`, built from the source in the module cache. */
export const minioGoSuite: Suite = {
  name: 'minio-go functional tests',
  least: 60,
  async versions() {
    builtTests()
    return `${module.replace('github.com/minio/', '')}, ${minio.version()}`
  },
  run: () =>
    runBoth(
      minio,
      { flags: ['--dialect', 's3', '--bucket-cors-api', 'write'], buckets: [] },
      async (endpoint, folder) => {
        const env = {
          SERVER_ENDPOINT: new URL(endpoint).host,
          ACCESS_KEY: accessKeyId,
          SECRET_KEY: secretAccessKey,
          ENABLE_HTTPS: '0',
          ENABLE_KMS: '0',
          MINT_MODE: 'full',
          // Without it the run stops at the first failure.
          RUN_ON_FAIL: '1',
        }
        const { out } = await runCommand(builtTests(), [], { cwd: folder, env, seconds: 900 })
        return readOutcomes(out)
      },
    ),
}

let program: string | undefined

function builtTests(): string {
  if (program !== undefined) return program
  const downloaded = spawnSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8' })
  if (downloaded.error !== undefined) throw new NotTested('go is not installed')
  const folder: unknown = downloaded.status === 0 ? JSON.parse(downloaded.stdout).Dir : undefined
  if (typeof folder !== 'string') throw new NotTested(`${module} cannot be downloaded: ${downloaded.stderr}`)
  const path = join(mkdtempSync(join(tmpdir(), 'suites-minio-go-')), 'functional')
  const built = spawnSync('go', ['build', '-o', path, 'functional_tests.go'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new NotTested(`${module} cannot be built: ${built.stderr.slice(0, 300)}`)
  program = path
  return path
}

/** Lines such as `{"name":"minio-go: testCors","function":…,"status":"PASS"}`. */
export function readOutcomes(text: string): Outcomes {
  const outcomes = new Map<string, string>()
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue
    const { name, status, message, error, alert }: Record<string, unknown> = JSON.parse(line)
    const test = String(name).replace(/^minio-go: /, '')
    const words = [message, error, alert].filter((value) => typeof value === 'string' && value !== '')
    const outcome = status === 'PASS' ? 'ok' : withoutChance(`${status} ${words.join(': ')}`)
    // A test may report several outcomes; a later success must not hide a failure.
    const before = outcomes.get(test)
    outcomes.set(test, before === undefined || before === outcome ? outcome : `${before}; ${outcome}`)
  }
  return outcomes
}

const withoutChance = (text: string): string =>
  text
    .replaceAll(/127\.0\.0\.1:\d+/g, 'STORE')
    .replaceAll(/minio-go-test-[a-z0-9]+/g, 'BUCKET')
    .replaceAll(/\b[a-z0-9]{50,}\b/g, 'NAME')
    .replaceAll(/\d{4}-\d\d-\d\d[T ][0-9:.]+(?: ?[+-]\d{4} [A-Z]+|Z)?/g, 'TIME')
