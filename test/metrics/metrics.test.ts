import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { exposition, negotiateFormat } from '../../src/metrics/family.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { familiesOf, mergeMetrics } from '../../src/metrics/registry.ts'
import { nothingLoaded } from '../../src/plan/snapshot.ts'
import { collectGarbage } from '../collect-garbage.ts'
import { rule, ruleFile, snapshotOf } from '../core.ts'
import { finished, preflight } from '../finished.ts'

const photos = snapshotOf({
  photos: ruleFile({ rules: [rule({ id: 'web' }), rule({ allowedOrigins: ['https://b.example'] })] }),
})

const started = (): Metrics => {
  const metrics = createMetrics({ version: '1.2.3', now: () => 1_700_000_000_000 })
  metrics.reload({ result: 'applied', successful: true, snapshot: photos }, 1_700_000_000_000)
  return metrics
}

async function scrape(
  metrics: Metrics,
  format: 'prometheus' | 'openmetrics' = 'prometheus',
): Promise<string[]> {
  return [...exposition(await metrics.families(), format)].join('').split('\n')
}

const own = (lines: readonly string[], name: string): string[] =>
  lines.filter((line) => line.startsWith(`cors_sidecar_${name}`))

describe('decisions', () => {
  test('are counted by bucket, kind, decision, reason and mode, and matches by rule', async () => {
    const metrics = started()
    metrics.finished(finished(photos, preflight('https://example.com')))
    metrics.finished(finished(photos, preflight('https://b.example')))
    metrics.finished(finished(photos, preflight('https://evil.example')))
    metrics.finished(finished(photos, preflight('https://example.com', 'PUT')))
    metrics.finished(finished(photos, preflight('https://example.com', 'GET', 'x-a')))
    metrics.finished(finished(photos, { headers: ['Origin', 'https://example.com'] }))
    metrics.finished(finished(photos, { target: '/nobody/x', headers: ['Origin', 'https://example.com'] }))
    metrics.finished(finished(photos, { method: 'OPTIONS' }))
    metrics.finished(finished(photos, {}))
    const lines = await scrape(metrics)
    expect(own(lines, 'decisions_total').sort()).toEqual(
      [
        'cors_sidecar_decisions_total{bucket="photos",kind="preflight",decision="allow",reason="matched",mode="enforce"} 2',
        'cors_sidecar_decisions_total{bucket="photos",kind="preflight",decision="deny",reason="origin",mode="enforce"} 1',
        'cors_sidecar_decisions_total{bucket="photos",kind="preflight",decision="deny",reason="method",mode="enforce"} 1',
        'cors_sidecar_decisions_total{bucket="photos",kind="preflight",decision="deny",reason="header",mode="enforce"} 1',
        'cors_sidecar_decisions_total{bucket="photos",kind="preflight",decision="deny",reason="malformed",mode="enforce"} 1',
        'cors_sidecar_decisions_total{bucket="photos",kind="actual",decision="allow",reason="matched",mode="enforce"} 1',
        'cors_sidecar_decisions_total{bucket="_other",kind="actual",decision="deny",reason="no_rules",mode="enforce"} 1',
      ].sort(),
    )
    expect(own(lines, 'rule_matches_total')).toEqual([
      'cors_sidecar_rule_matches_total{bucket="photos",rule="web"} 2',
      'cors_sidecar_rule_matches_total{bucket="photos",rule="2"} 1',
    ])
    expect(metrics.decisionTotals()).toEqual({
      preflight: { matched: 2, no_rules: 0, origin: 1, method: 1, header: 1, malformed: 1 },
      actual: { matched: 1, no_rules: 1, origin: 0, method: 0, header: 0, malformed: 0 },
    })
  })

  test('in report mode have mode="report"', async () => {
    const reporting = snapshotOf({ photos: ruleFile({ mode: 'report' }) })
    const metrics = started()
    metrics.reload({ result: 'applied', successful: true, snapshot: reporting }, 0)
    metrics.finished(finished(reporting, preflight('https://evil.example')))
    const left = {
      ...preflight('https://evil.example'),
      target: '/nobody/x',
      setup: { unconfigured: 'forward' } as const,
    }
    metrics.finished(finished(reporting, left))
    expect(own(await scrape(metrics), 'decisions_total')).toEqual([
      'cors_sidecar_decisions_total{bucket="_other",kind="preflight",decision="deny",reason="no_rules",mode="report"} 1',
      'cors_sidecar_decisions_total{bucket="photos",kind="preflight",decision="deny",reason="origin",mode="report"} 1',
    ])
  })

  test('of buckets without a file of their own are counted as _other', async () => {
    const fallback = snapshotOf({ _default: ruleFile({ rules: [rule({ id: 'all' })] }) })
    const metrics = started()
    metrics.reload({ result: 'applied', successful: true, snapshot: fallback }, 0)
    metrics.finished(finished(fallback, { ...preflight('https://example.com'), target: '/nobody/x' }))
    expect(own(await scrape(metrics), 'rule_matches_total')).toEqual([
      'cors_sidecar_rule_matches_total{bucket="_other",rule="all"} 1',
    ])
  })

  test('survive a reload that keeps their bucket, rule and mode, and are removed with them', async () => {
    const metrics = started()
    metrics.finished(finished(photos, preflight('https://example.com')))
    metrics.finished(finished(photos, preflight('https://b.example')))
    const oneRule = snapshotOf({ photos: ruleFile({ rules: [rule({ id: 'web' })] }) })
    metrics.reload({ result: 'applied', successful: true, snapshot: oneRule }, 0)
    metrics.finished(finished(oneRule, preflight('https://example.com')))
    const lines = await scrape(metrics)
    expect(own(lines, 'decisions_total')).toEqual([expect.stringMatching(/reason="matched".* 3$/)])
    expect(own(lines, 'rule_matches_total')).toEqual([
      'cors_sidecar_rule_matches_total{bucket="photos",rule="web"} 2',
    ])

    metrics.reload(
      { result: 'applied', successful: true, snapshot: snapshotOf({ photos: ruleFile({ mode: 'report' }) }) },
      0,
    )
    expect(own(await scrape(metrics), 'decisions_total')).toEqual([])

    const gone = snapshotOf({ videos: ruleFile() })
    metrics.reload({ result: 'applied', successful: true, snapshot: gone }, 0)
    // A request that began before the reload ends after it.
    metrics.finished(finished(photos, preflight('https://example.com')))
    expect(own(await scrape(metrics), 'decisions_total')).toEqual([])
    expect(metrics.decisionTotals().preflight.matched).toBe(4)
  })
})

describe('series of rules that are gone', () => {
  test('are removed by the next reload when a request that still had them ends after the one before', async () => {
    const [all, web] = [rule({ id: 'all' }), rule({ id: 'web' })]
    const [before, after] = [
      snapshotOf({ photos: ruleFile({ rules: [all] }) }),
      snapshotOf({ photos: ruleFile({ rules: [web] }) }),
    ]
    const metrics = createMetrics({ version: '1' })
    const rulesCounted = async (): Promise<string[]> =>
      own(await scrape(metrics), 'rule_matches_total').map((line) => /rule="(.*)"/.exec(line)?.[1] ?? '')
    for (const snapshot of [before, after]) {
      metrics.reload({ result: 'applied', successful: true, snapshot }, 0)
      metrics.finished(finished(snapshot, preflight('https://example.com')))
    }
    metrics.finished(finished(before, preflight('https://example.com')))
    expect(await rulesCounted()).toEqual(['web', 'all'])
    metrics.reload({ result: 'unchanged', successful: true, snapshot: after }, 0)
    expect(await rulesCounted()).toEqual(['web'])
  })
})

describe('durations', () => {
  test('are counted by kind and class of the status code', async () => {
    const metrics = started()
    metrics.finished(finished(photos, preflight('https://example.com'), { milliseconds: 0.2 }))
    metrics.finished(finished(photos, preflight('https://evil.example'), { milliseconds: 30, status: 403 }))
    metrics.finished(finished(photos, {}, { milliseconds: 70_000, status: 0 }))
    metrics.finished(
      finished(photos, { target: '/photos?cors', setup: { bucketCorsApi: 'read' } }, { status: 404 }),
    )
    metrics.finished(
      finished(
        photos,
        { method: 'PUT', target: '/photos?cors', setup: { bucketCorsApi: 'read' } },
        { status: 405 },
      ),
    )
    const lines = own(await scrape(metrics), 'request_duration_seconds')
    const series = 'cors_sidecar_request_duration_seconds'
    expect(lines).toContain(`${series}_bucket{kind="preflight",code_class="2xx",le="0.001"} 1`)
    expect(lines).toContain(`${series}_bucket{kind="preflight",code_class="4xx",le="0.025"} 0`)
    expect(lines).toContain(`${series}_bucket{kind="preflight",code_class="4xx",le="0.05"} 1`)
    expect(lines).toContain(`${series}_bucket{kind="preflight",code_class="4xx",le="+Inf"} 1`)
    expect(lines).toContain(`${series}_bucket{kind="proxied",code_class="none",le="60"} 0`)
    expect(lines).toContain(`${series}_bucket{kind="proxied",code_class="none",le="+Inf"} 1`)
    expect(lines).toContain(`${series}_sum{kind="proxied",code_class="none"} 70`)
    expect(lines).toContain(`${series}_count{kind="bucket_cors",code_class="4xx"} 2`)
  })

  test('have exemplars only in OpenMetrics', async () => {
    const metrics = started()
    const request = finished(photos, preflight('https://example.com'), { milliseconds: 0.5 })
    metrics.finished(request)
    const open = await scrape(metrics, 'openmetrics')
    expect(open).toContain(
      `cors_sidecar_request_duration_seconds_bucket{kind="preflight",code_class="2xx",le="0.001"} 1 # {request_id="${request.plan.requestId}"} 0.0005 1700000000`,
    )
    expect(open).toContain('# TYPE cors_sidecar_decisions counter')
    expect(open.at(-2)).toBe('# EOF')
    const plain = await scrape(metrics)
    expect(plain.filter((line) => line.includes(' # '))).toEqual([])
    expect(plain).toContain('# TYPE cors_sidecar_decisions_total counter')
  })
})

test('a scrape in either format is complete after a garbage collection was counted', async () => {
  const metrics = started()
  collectGarbage()
  await vi.waitFor(async () =>
    expect(await scrape(metrics)).toContainEqual(expect.stringMatching(/^nodejs_gc_duration_seconds_count/)),
  )
  expect((await scrape(metrics, 'openmetrics')).at(-2)).toBe('# EOF')
})

test('reloads, files and the failures of the store are counted', async () => {
  const metrics = started()
  metrics.finished(finished(photos, {}, { status: 502, upstreamError: 'refused' }))
  metrics.reload({ result: 'unchanged', successful: true, snapshot: photos }, 1_700_000_060_000)
  const stale = {
    ...photos,
    generation: 7,
    files: [...photos.files, ...photos.files].map(
      (file, index) => ({ ...file, state: index === 0 ? 'ok' : 'stale' }) as const,
    ),
  }
  metrics.reload({ result: 'failed', successful: false, snapshot: stale }, 1_700_000_120_000)
  const lines = await scrape(metrics)
  expect(own(lines, 'upstream_errors_total')).toHaveLength(7)
  expect(lines).toContain('cors_sidecar_upstream_errors_total{type="refused"} 1')
  expect(own(lines, 'rule')).toEqual([
    'cors_sidecar_rules_reloads_total{result="applied"} 1',
    'cors_sidecar_rules_reloads_total{result="unchanged"} 1',
    'cors_sidecar_rules_reloads_total{result="failed"} 1',
    'cors_sidecar_rules_last_reload_successful 0',
    'cors_sidecar_rules_last_reload_success_timestamp_seconds 1700000060',
    'cors_sidecar_rules_generation 7',
    'cors_sidecar_rule_files{state="ok"} 1',
    'cors_sidecar_rule_files{state="stale"} 1',
    'cors_sidecar_rule_files{state="invalid"} 0',
  ])
  expect(lines).toContain(
    `cors_sidecar_build_info{version="1.2.3",node_version="${process.versions.node}"} 1`,
  )
  expect(lines.filter((line) => line.startsWith('process_resident_memory_bytes '))).toHaveLength(1)
})

test('every family has one help text and one type, and no gauge has the name of a counter', async () => {
  const families = await started().families()
  expect(new Set(families.map(({ name }) => name)).size).toBe(families.length)
  for (const { name, help, type } of families) {
    expect(help).not.toBe('')
    expect(name.endsWith('_total')).toBe(type === 'counter')
  }
})

/** A small deterministic generator, so that every run is the same. */
function randoms(): (below: number) => number {
  let state = 42
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}

test('100,000 requests of random buckets, methods, origins and paths add no series', async () => {
  const buckets = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [
      `bucket-${n}`,
      ruleFile({ rules: [rule(), rule({ allowedMethods: ['PUT'] })] }),
    ]),
  )
  const snapshot = snapshotOf({ ...buckets, _default: ruleFile() })
  const metrics = createMetrics({ version: '1' })
  metrics.reload({ result: 'applied', successful: true, snapshot: snapshot }, 0)
  const random = randoms()
  const pick = (list: readonly string[]): string => list[random(list.length)] ?? ''
  const request = (): Parameters<Metrics['finished']>[0] => {
    const origin = random(3) === 0 ? 'https://example.com' : `https://${random(1e9).toString(36)}.example`
    const method = pick(['GET', 'PUT', 'OPTIONS', 'DELETE', `X${random(1e6)}`])
    const asked = pick(['GET', 'PUT', 'PATCH', `Y${random(1e6)}`])
    const headers = [
      'Origin',
      origin,
      'Access-Control-Request-Method',
      asked,
      'Access-Control-Request-Headers',
      `x-${random(1e6)}`,
    ]
    const bucket = pick([`bucket-${random(25)}`, random(1e9).toString(36), '..', '%00', '_other'])
    return finished(
      snapshot,
      {
        method,
        target: `/${bucket}/${random(1e9)}?${random(1e6)}`,
        headers: random(4) === 0 ? headers.slice(0, 2) : headers,
      },
      { status: [0, 200, 204, 304, 400, 403, 404, 500, 502][random(9)] ?? 0, milliseconds: random(100_000) },
    )
  }
  const samples = async (): Promise<number> =>
    (await scrape(metrics)).filter((line) => /^[a-z]/.test(line)).length
  for (let i = 0; i < 20_000; i++) metrics.finished(request())
  const ofOurs = async (): Promise<number> => own(await scrape(metrics), '').length
  const before = await ofOurs()
  for (let i = 0; i < 80_000; i++) metrics.finished(request())
  expect(await ofOurs()).toBe(before)
  expect(await samples()).toBeLessThanOrEqual(400 + (12 + 2) * 20)
})

test('the metrics of ten thousand buckets are written in chunks', async () => {
  const buckets = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`bucket-${n}`, ruleFile()]))
  const snapshot = snapshotOf(buckets)
  const metrics = createMetrics({ version: '1' })
  metrics.reload({ result: 'applied', successful: true, snapshot: snapshot }, 0)
  for (const bucket of snapshot.buckets.keys())
    metrics.finished(
      finished(snapshot, { target: `/${bucket}/x`, headers: ['Origin', 'https://example.com'] }),
    )
  const pieces = [...exposition(await metrics.families(), 'prometheus')]
  expect(pieces.length).toBeGreaterThan(20)
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(200_000)
})

test('samples are read as they are written, and for another process with turns between them', async () => {
  const metrics = createMetrics({ version: '1' })
  let read = 0
  metrics.register(() => ({
    name: 'many_total',
    help: 'Many.',
    type: 'counter',
    aggregator: 'sum',
    samples: (function* () {
      for (let n = 0; n < 10_000; n++) {
        read++
        yield { suffix: '', labels: { n }, value: 1 }
      }
    })(),
  }))
  const families = await metrics.families()
  expect(read).toBe(0)
  const [first] = exposition(
    families.filter(({ name }) => name === 'many_total'),
    'prometheus',
  )
  expect(first).toContain('many_total{n="0"} 1')
  expect(read).toBeLessThan(1000)

  const seen = new Set<number>()
  let called = false
  const message = metrics.message().finally(() => {
    called = true
  })
  while (!called) {
    seen.add(read)
    await nextTurn()
  }
  expect((await message).find(({ name }) => name === 'many_total')?.values).toHaveLength(10_000)
  expect(seen.size).toBeGreaterThan(3)
})

test('label values are escaped, and long rule ids cut', async () => {
  const snapshot = snapshotOf({
    photos: ruleFile({
      rules: [rule({ id: 'a"b\\c\nd' }), rule({ id: 'x'.repeat(1000), allowedMethods: ['PUT'] })],
    }),
  })
  const metrics = createMetrics({ version: '1' })
  metrics.reload({ result: 'applied', successful: true, snapshot: snapshot }, 0)
  metrics.finished(finished(snapshot, preflight('https://example.com')))
  metrics.finished(finished(snapshot, preflight('https://example.com', 'PUT')))
  expect(own(await scrape(metrics), 'rule_matches_total')).toEqual([
    'cors_sidecar_rule_matches_total{bucket="photos",rule="a\\"b\\\\c\\nd"} 1',
    `cors_sidecar_rule_matches_total{bucket="photos",rule="${'x'.repeat(128)}"} 1`,
  ])
})

test('two sets of metrics share nothing', async () => {
  const [one, two] = [started(), started()]
  one.finished(finished(photos, preflight('https://example.com')))
  expect(own(await scrape(two), 'decisions_total')).toEqual([])
})

test('the metrics of several processes are merged into one set', async () => {
  const processes = [started(), started()]
  for (const metrics of processes) {
    metrics.finished(finished(photos, preflight('https://example.com')))
    metrics.upstreamError('timeout')
  }
  processes[1]?.reload({ result: 'failed', successful: false, snapshot: nothingLoaded }, 0)
  processes[1]?.reload({ result: 'failed', successful: false, snapshot: photos }, 0)
  const merged = familiesOf(
    await mergeMetrics(await Promise.all(processes.map((metrics) => metrics.message()))),
  )
  const lines = [...exposition(merged, 'prometheus')].join('').split('\n')
  expect(lines).toContain('cors_sidecar_upstream_errors_total{type="timeout"} 2')
  expect(lines).toContain('cors_sidecar_rules_last_reload_successful 0')
  expect(lines).toContain('cors_sidecar_rule_files{state="ok"} 1')
  expect(lines).toContain(
    `cors_sidecar_build_info{version="1.2.3",node_version="${process.versions.node}"} 1`,
  )
  expect(lines).toContain('cors_sidecar_request_duration_seconds_count{kind="preflight",code_class="2xx"} 2')
})

test.each([
  [undefined, 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/plain', 'prometheus'],
  [
    'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
    'openmetrics',
  ],
  ['text/plain;version=0.0.4;q=0.6,application/openmetrics-text;q=0.5', 'prometheus'],
  ['application/openmetrics-text;q=0', 'prometheus'],
  ['application/openmetrics-text;q=x', 'prometheus'],
])('Accept %s gets the %s format', (accept, format) => {
  expect(negotiateFormat(accept)).toBe(format)
})
