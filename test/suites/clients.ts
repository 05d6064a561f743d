import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Client, runBoth } from './both.ts'
import { type Ran, runCommand } from './command.ts'
import { type ClientProgram, clientPrograms, makeFiles, treeHash } from './programs.ts'
import { accessKeyId, minio, rclone, type StoreKind, seaweed, secretAccessKey, versitygw } from './stores.ts'
import { NotTested, type Outcomes, type Suite } from './suite.ts'

const inFront = {
  flags: ['--dialect', 's3', '--bucket-cors-api', 'off'],
  buckets: ['suite', 'suite-versions'],
}

const stores = [minio, versitygw, rclone, seaweed]

export const clientSuites: readonly Suite[] = stores.flatMap((store) => [
  suiteOf('boto3', () => pythonVersion('boto3'), pythonClient('boto3-calls.py'), store, 200),
  suiteOf(
    's3fs and pyarrow',
    () => pythonVersion('s3fs', 'pyarrow'),
    pythonClient('filesystems.py'),
    store,
    15,
  ),
  ...clientPrograms.map((program) =>
    suiteOf(program.name, program.version, programClient(program), store, 4),
  ),
])

function suiteOf(
  name: string,
  version: () => string,
  client: Client,
  store: StoreKind,
  least: number,
): Suite {
  return {
    name: `${name} against ${store.name}`,
    least,
    versions: async () => `${version()}, ${store.version()}`,
    run: () => runBoth(store, inFront, client),
    // Stores fail by chance, too: of 1,500 uploads to ten new names each, rclone refused one with 500, without the sidecar.
    again: () => runBoth(store, inFront, client),
  }
}

function pythonVersion(...names: readonly string[]): string {
  return names
    .map((name) => {
      const { status, stdout } = spawnSync('python3', ['-c', `import ${name}; print(${name}.__version__)`], {
        encoding: 'utf8',
        timeout: 60_000,
      })
      if (status !== 0) throw new NotTested(`Python has no ${name}`)
      // pip falls back to this version next to a newer botocore; it has no endpoint_url.
      if (name === 's3fs' && stdout.startsWith('0.')) throw new NotTested(`s3fs ${stdout.trim()} is too old`)
      return `${name} ${stdout.trim()}`
    })
    .join(', ')
}

/** A script of this folder, which prints `{"test", "outcome"}` per line. */
function pythonClient(script: string): Client {
  return async (endpoint, folder) => {
    const path = join(import.meta.dirname, script)
    const args = [path, endpoint, accessKeyId, secretAccessKey]
    const { code, out, err } = await runCommand('python3', args, { cwd: folder })
    const outcomes = new Map<string, string>()
    for (const line of out.split('\n').filter((text) => text.startsWith('{'))) {
      const { test, outcome }: { test: string; outcome: string } = JSON.parse(line)
      outcomes.set(test, outcome)
    }
    outcomes.set('the script itself', code === 0 ? 'ok' : `code ${code}: ${err.slice(-500)}`)
    return outcomes
  }
}

function programClient({ env, steps }: ClientProgram): Client {
  return async (endpoint, folder): Promise<Outcomes> => {
    await makeFiles(folder)
    const input = await readFile(join(folder, 'note.txt'), 'utf8')
    const outcomes = new Map<string, string>()
    const tidy = (text: string): string => withoutChance(text.replaceAll(folder, 'FOLDER'), endpoint)
    for (const [at, [program = '', ...args]] of steps(endpoint).entries()) {
      const ran = await runCommand(program, args, { cwd: folder, env: env(endpoint), input, seconds: 120 })
      const words = [
        program.split('/').at(-1),
        ...args.filter((word) => !/^--(?:host|access|secret)/.test(word)),
      ]
      outcomes.set(`${String(at + 1).padStart(2, '0')} ${words.join(' ')}`, outcomeOf(ran, tidy))
    }
    outcomes.set('what came back', await treeHash(join(folder, 'back')))
    return outcomes
  }
}

function outcomeOf({ code, out, err }: Ran, tidy: (text: string) => string): string {
  const lines = `${out}\n${err}`.split('\n').filter((line) => !line.includes('Unsolicited response received'))
  // Parallel transfers end in any order, and so do the members of an object; column widths depend on the figures.
  const said = lines.map((line) =>
    tidy(line)
      .replaceAll(/[\u2500-\u257f]+/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim()
      .replace(/,$/, ''),
  )
  return `${code === 0 ? 'ok' : `code ${code}`} ${said
    .filter((line) => line !== '')
    .sort()
    .join(' | ')}`
}

/** Removes ports, times, speeds, ids and generated names. */
const withoutChance = (text: string, endpoint: string): string =>
  text
    .replaceAll(endpoint, 'STORE')
    .replaceAll(new URL(endpoint).host, 'STORE')
    .replaceAll(
      /\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?: UTC| GMT|Z)?(?:[+-]\d\d:?\d\d)?/g,
      'TIME',
    )
    .replaceAll(/(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} [\d:]+ GMT/g, 'TIME')
    .replaceAll(/"?(?:RequestId|HostId|request id|host id)"?[:=]? ?"?[\w+/=.-]+"?/gi, 'ID')
    .replaceAll(/versionId=[\w-]+/g, 'versionId=ID')
    .replaceAll(/[\d.]+ ?[KMG]?i?B\/s/g, 'SPEED')
    .replaceAll(/in [\d.]+ seconds|in [\d.]+m?s\b|\b\d+:\d\d:\d\d\b|\(?[\d.]+ [KM]?B\/s\)?/g, 'DURATION')
    .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b(?![-0-9a-f])/g, 'HEX')
    .replaceAll(/\b(?:[0-9a-f]{64}|(?=[a-f]*\d)[0-9a-f]{10})\b/g, 'HEX')
    .replaceAll(/\b1[0-9]{9}(?:\.\d+)?\b/g, 'TIME')
    .replaceAll(/(?:mtime|atime|ctime|gid|uid|gname|uname|mode):[^ /]+\/?/g, '')
