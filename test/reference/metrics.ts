import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Family } from '../../src/metrics/family.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { rule, ruleFile, snapshotOf } from '../core.ts'
import { finished, preflight } from '../finished.ts'
import { table } from '../markdown.ts'
import { code, page } from './markdown.ts'

const source = join(import.meta.dirname, '..', '..', 'src')

/** Labels whose values are specific to an installation. */
const open = new Set(['bucket', 'rule', 'version', 'node_version'])

/** Metrics that need a setting, by prefix of their names. */
const settings = [
  ['cors_sidecar_candidate_', '--candidate-rules'],
  ['cors_sidecar_tls_', '--tls-cert'],
  ['cors_sidecar_worker', '--workers'],
] as const

/** Families whose labels are not declared next to the name. */
const labelNames: Readonly<Record<string, readonly string[]>> = {
  cors_sidecar_candidate_differences_total: ['bucket', 'change', 'live', 'candidate'],
}

interface Described {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: string
}

export async function metricsPage(): Promise<string> {
  const families = [...(await always()), ...withSetting()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const settingOf = (name: string): string =>
    settings.flatMap(([start, flag]) => (name.startsWith(start) ? [code(flag)] : [])).join('')
  return page(
    'Metrics',
    '`GET /metrics` of the admin port. The value of a `bucket` label is the name of a bucket that has a rule file, or `_other` for everything else. Label values never contain an origin, path, object key or user agent.',
    table(
      ['metric', 'type', 'labels', 'only with', 'meaning'],
      families.map(({ name, type, help, labels }) => [code(name), type, labels, settingOf(name), help]),
    ),
    'Metrics of the process and of Node come from prom-client; their names begin with `process_` and `nodejs_`.',
  )
}

/** The families of every program, with the labels that all kinds of requests produce. */
async function always(): Promise<readonly Described[]> {
  const rules = snapshotOf({ photos: ruleFile({ rules: [rule({ id: 'web' })] }) })
  const origin = 'https://example.com'
  const metrics = createMetrics({ version: '0.0.0' })
  metrics.reload({ result: 'applied', successful: true, snapshot: rules }, 0)
  for (const sent of [
    preflight(origin),
    preflight(origin, 'PUT'),
    preflight(origin, 'GET', 'x-a'),
    preflight('https://evil.example'),
    { method: 'OPTIONS', headers: ['Origin', origin] },
    { headers: ['Origin', origin] },
    { target: '/other/cat.jpg', headers: ['Origin', origin] },
    { target: '/photos?cors', setup: { bucketCorsApi: 'read' as const } },
  ])
    metrics.finished(finished(rules, sent))
  const own = (await metrics.families()).filter(({ name }) => name.startsWith('cors_sidecar_'))
  return own.map((family) => ({ ...family, labels: labelsOf(family) }))
}

function labelsOf({ samples }: Family): string {
  const labels = new Map<string, Set<string>>()
  // `le` is part of every histogram, and the status classes are self-explanatory.
  for (const { labels: pairs } of samples)
    for (const [name, value] of Object.entries(pairs))
      if (name !== 'le') labels.set(name, (labels.get(name) ?? new Set()).add(String(value)))
  return [...labels]
    .map(([name, values]) =>
      open.has(name) || values.size < 2 ? code(name) : `${code(name)} ${[...values].toSorted().join('|')}`,
    )
    .join(', ')
}

/** Families that a setting adds. Parsed from the source text, because they only exist while they count. */
function withSetting(): readonly Described[] {
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(source, file), 'utf8')
      const families = text.matchAll(
        /name: '(cors_sidecar_\w+)',\s*help: '([^']+)',\s*type: '(\w+)'([\s\S]*?)(?=name: '|^\}|^ {4,6}\}\)?,?$)/gm,
      )
      return [...families].map(([, name = '', help = '', type = '', rest = '']) => ({
        name,
        help,
        type,
        labels: (
          labelNames[name] ??
          [...(/labels: \{([^}]*)\}/.exec(rest)?.[1] ?? '').matchAll(/(\w+):/g)].map(
            ([, label = '']) => label,
          )
        )
          .map(code)
          .join(', '),
      }))
    })
    .filter(({ name }) => settings.some(([start]) => name.startsWith(start)))
}
