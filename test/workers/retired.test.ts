import { expect, test } from 'vitest'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { type MetricsMessage, mergeMetrics } from '../../src/metrics/registry.ts'
import { createRetiredWorkers } from '../../src/workers/retired.ts'
import { rule, ruleFile, snapshotOf } from '../core.ts'
import { finished, preflight } from '../finished.ts'

const photos = { photos: ruleFile({ rules: [rule({ id: 'web' })] }) }
const films = { films: ruleFile({ rules: [rule({ id: 'tv' })] }) }
const snapshot = snapshotOf({ ...photos, ...films })

async function counted(): Promise<MetricsMessage> {
  const metrics = createMetrics({ version: '1.2.3' })
  metrics.reload({ result: 'applied', successful: true, snapshot }, 0)
  for (const target of ['/photos/cat.jpg', '/films/cat.mp4', '/unknown/cat.jpg'])
    metrics.finished(finished(snapshot, { target, ...preflight('https://example.com') }))
  return metrics.message()
}

const values = (message: MetricsMessage, name: string) =>
  message
    .find((family) => family.name === `cors_sidecar_${name}`)
    ?.values.map(({ labels, value }) => ({ labels, value }))

test('the counters of ended workers are added up, and no gauges', async () => {
  const retired = createRetiredWorkers()
  await retired.add(await counted())
  await retired.add(await counted())
  expect(values(retired.metrics(), 'rule_matches_total')).toEqual([
    { labels: { bucket: 'photos', rule: 'web' }, value: 2 },
    { labels: { bucket: 'films', rule: 'tv' }, value: 2 },
  ])
  const all = await mergeMetrics([retired.metrics(), await counted()])
  expect(values(all, 'rule_matches_total')).toEqual([
    { labels: { bucket: 'photos', rule: 'web' }, value: 3 },
    { labels: { bucket: 'films', rule: 'tv' }, value: 3 },
  ])
  const gauges = retired.metrics().filter(({ type }) => String(type) === 'gauge')
  expect(gauges).toEqual([])
})

test('a removed rule is dropped even if the name of another rule starts with its name', async () => {
  const retired = createRetiredWorkers()
  await retired.add(await counted())
  retired.prune(snapshotOf({ photos: ruleFile({ rules: [rule({ id: 'web-admin' })] }), ...films }))
  expect(values(retired.metrics(), 'rule_matches_total')).toEqual([
    { labels: { bucket: 'films', rule: 'tv' }, value: 1 },
  ])
})

test('the series of a long rule id, which metrics cut, are kept', async () => {
  const long = { photos: ruleFile({ rules: [rule({ id: 'w'.repeat(200) })] }) }
  const metrics = createMetrics({ version: '1.2.3' })
  metrics.reload({ result: 'applied', successful: true, snapshot: snapshotOf(long) }, 0)
  metrics.finished(
    finished(snapshotOf(long), { target: '/photos/cat.jpg', ...preflight('https://example.com') }),
  )
  const retired = createRetiredWorkers()
  await retired.add(await metrics.message())
  retired.prune(snapshotOf(long))
  expect(values(retired.metrics(), 'rule_matches_total')).toEqual([
    { labels: { bucket: 'photos', rule: 'w'.repeat(128) }, value: 1 },
  ])
})

test('series that are gone do not come back with a worker that was being added', async () => {
  const retired = createRetiredWorkers()
  const adding = retired.add(await counted())
  retired.prune(snapshotOf(photos))
  await adding
  expect(values(retired.metrics(), 'rule_matches_total')).toEqual([
    { labels: { bucket: 'photos', rule: 'web' }, value: 1 },
  ])
})

test('series of buckets, rules and modes that are gone are dropped', async () => {
  const retired = createRetiredWorkers()
  await retired.add(await counted())
  retired.prune(snapshotOf({ photos: ruleFile({ rules: [rule({ id: 'app' })], mode: 'report' }) }))
  expect(values(retired.metrics(), 'rule_matches_total')).toEqual([])
  const buckets = values(retired.metrics(), 'decisions_total')?.map(({ labels }) => labels.bucket)
  expect(buckets).toEqual(['_other'])

  retired.prune(snapshotOf(photos))
  await retired.add(await counted())
  expect(values(retired.metrics(), 'rule_matches_total')).toEqual([
    { labels: { bucket: 'photos', rule: 'web' }, value: 1 },
  ])
})
