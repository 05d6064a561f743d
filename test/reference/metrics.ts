import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { code, page, table } from './markdown.ts'

const main = fileURLToPath(new URL('../../cmd/main.ts', import.meta.url))

/** Labels whose values are names of the installation. */
const open = new Set(['bucket', 'rule', 'version', 'node_version'])

export async function metricsPage(): Promise<string> {
  const families = familiesOf(await scrape())
  const own = families.filter(({ name }) => name.startsWith('cors_sidecar_'))
  return page(
    'Metrics',
    '`GET /metrics` of the admin port. A `bucket` label is only ever a bucket that has a rule file; everything else is `_other`. No origin, path, object key or user agent is ever a label.',
    table(
      ['metric', 'type', 'labels', 'meaning'],
      own.map(({ name, type, help, labels }) => [code(name), type, labelsText(labels), help]),
    ),
    'Labels are shown with the values that a first minute of requests gives; `error.type` of the [log](log-fields.md) has the same values as `type`. Metrics of the process and of Node come from prom-client: names that begin with `process_` and `nodejs_`.',
  )
}

interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>
}

const labelsText = (labels: Family['labels']): string =>
  [...labels]
    .map(([name, values]) =>
      open.has(name) ? code(name) : `${code(name)} ${[...values].toSorted().join('\\|')}`,
    )
    .join(', ')

function familiesOf(text: string): readonly Family[] {
  const lines = text.split('\n')
  return [...text.matchAll(/^# HELP (\S+) (.*)$/gm)]
    .map(([, name = '', help = '']) => ({
      name,
      help,
      type: new RegExp(`^# TYPE ${name} (\\w+)$`, 'm').exec(text)?.[1] ?? '',
      labels: labelsOf(lines.filter((line) => new RegExp(`^${name}(_bucket|_sum|_count)?\\{`).test(line))),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function labelsOf(samples: readonly string[]): Family['labels'] {
  const labels = new Map<string, Set<string>>()
  // `le` belongs to every histogram.
  for (const sample of samples)
    for (const [, name = '', value = ''] of sample.matchAll(/(\w+)="([^"]*)"/g))
      if (name !== 'le') labels.set(name, (labels.get(name) ?? new Set()).add(value))
  return labels
}

const rules = `rules:
  - id: web
    allowedOrigins: ["https://a.example"]
    allowedMethods: [GET]
`

type Sent = readonly [method: string, path: string, headers: Readonly<Record<string, string>>]

const origin = 'https://a.example'
const asks = (method: string): Sent[2] => ({ Origin: origin, 'Access-Control-Request-Method': method })

/** Together they have every reason for a decision. */
const requests: readonly Sent[] = [
  ['GET', '/photos/cat.jpg', { Origin: origin }],
  ['OPTIONS', '/photos/cat.jpg', asks('GET')],
  ['OPTIONS', '/photos/cat.jpg', asks('PUT')],
  ['OPTIONS', '/photos/cat.jpg', { ...asks('GET'), 'Access-Control-Request-Headers': 'x-a' }],
  ['OPTIONS', '/photos/cat.jpg', { ...asks('GET'), Origin: 'https://b.example' }],
  ['OPTIONS', '/photos/cat.jpg', { Origin: origin }],
  ['OPTIONS', '/other/cat.jpg', asks('GET')],
]

/** What a program with two workers counts in front of a store that is not there. */
async function scrape(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reference-'))
  await writeFile(join(folder, 'photos.yaml'), rules)
  const flags = ['--upstream', 'http://127.0.0.1:1', '--rules', folder, '--workers', '2', '--dialect', 's3']
  const ports = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  const child = spawn(process.execPath, [main, 'serve', ...flags, ...ports], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  try {
    const { data, admin } = await serving(child.stdout)
    for (const [method, path, headers] of requests)
      await (await fetch(`${data}${path}`, { method, headers })).text()
    return await (await fetch(`${admin}/metrics`)).text()
  } finally {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
}

async function serving(stdout: NodeJS.ReadableStream): Promise<{ data: string; admin: string }> {
  for await (const line of createInterface({ input: stdout })) {
    const { msg, ...fields }: Readonly<Record<string, unknown>> = JSON.parse(line)
    if (msg !== 'serving') continue
    return {
      data: `http://127.0.0.1:${fields['server.port']}`,
      admin: `http://127.0.0.1:${fields['admin.port']}`,
    }
  }
  throw new Error('serve ended before it served')
}
