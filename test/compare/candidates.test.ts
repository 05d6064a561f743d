import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createDifferences, type Differences } from '../../src/compare/differences.ts'
import { readFacts } from '../../src/http.ts'
import { judge, type Setup } from '../../src/plan/judge.ts'
import { plan } from '../../src/plan/plan.ts'
import type { Snapshot } from '../../src/plan/snapshot.ts'
import { identity, rule, ruleFile, setup, snapshotOf } from '../core.ts'
import { type Answered, eventually, type Serving, serveInTest } from '../serving.ts'

interface Sent {
  readonly method?: string
  readonly target?: string
  readonly headers?: readonly string[]
}

const preflight = (origin: string, method = 'GET', headers = ''): Sent => ({
  method: 'OPTIONS',
  headers: [
    ...['Origin', origin, 'Access-Control-Request-Method', method],
    ...(headers === '' ? [] : ['Access-Control-Request-Headers', headers]),
  ],
})

/** Makes `differences` compare the decisions of `live` and `candidate` about one request. */
function compare(
  differences: Differences,
  live: Snapshot,
  candidate: Snapshot,
  { method = 'GET', target = '/photos/cat.jpg', headers = [] }: Sent,
  more: Partial<Setup> = {},
): void {
  const facts = readFacts(method, target, '1.1', ['Host', 'store.test', ...headers])
  const used = { ...setup, ...more }
  differences.compare({ facts, plan: plan(live, used, facts, identity) }, judge(candidate, used, facts))
}

const series = (differences: Differences, name: string): readonly string[] =>
  differences.families
    .map((read) => read())
    .filter((family) => family.name === `cors_sidecar_candidate_${name}`)
    .flatMap(({ samples }) => [...samples])
    .map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`.trim())

const web = rule({ id: 'web', allowedMethods: ['GET', 'PUT'], allowedHeaders: ['content-type'] })
const live = snapshotOf({ photos: ruleFile({ rules: [web] }) })
const candidateOf = (file: Parameters<typeof ruleFile>[0]): Snapshot => snapshotOf({ photos: ruleFile(file) })

describe('a difference', () => {
  const example = 'https://example.com'
  test.each<[string, Snapshot, Sent, string | undefined]>([
    ['the same rules make none', candidateOf({ rules: [web] }), preflight(example, 'PUT'), undefined],
    [
      'a rule that is only called otherwise makes none',
      candidateOf({ rules: [{ ...web, id: 'site' }] }),
      preflight(example, 'PUT'),
      undefined,
    ],
    [
      'another rule that comes closest makes none',
      candidateOf({ rules: [rule({ allowedOrigins: ['https://a.example'] }), web] }),
      preflight('https://b.example'),
      undefined,
    ],
    [
      'a method that is taken away',
      candidateOf({ rules: [{ ...web, allowedMethods: ['GET'] }] }),
      preflight(example, 'PUT'),
      'photos refused matched method',
    ],
    [
      'a header that is taken away',
      candidateOf({ rules: [{ ...web, allowedHeaders: [] }] }),
      preflight(example, 'PUT', 'content-type'),
      'photos refused matched header',
    ],
    [
      'an origin that is added',
      candidateOf({ rules: [{ ...web, allowedOrigins: ['https://b.example'] }] }),
      preflight('https://b.example'),
      'photos allowed origin matched',
    ],
    [
      'a refusal for another reason',
      candidateOf({ rules: [{ ...web, allowedOrigins: ['https://b.example'] }] }),
      preflight('https://b.example', 'DELETE'),
      'photos reason origin method',
    ],
    ['a file that is gone', snapshotOf({}), preflight(example), 'photos refused matched no_rules'],
    [
      'any origin in the place of a named one, which loses the credentials',
      candidateOf({ rules: [{ ...web, allowedOrigins: ['*'] }] }),
      preflight(example),
      'photos answer matched matched',
    ],
    [
      'a header that is exposed, on the actual request too',
      candidateOf({ rules: [{ ...web, exposeHeaders: ['ETag'] }] }),
      { headers: ['Origin', example] },
      'photos answer matched matched',
    ],
    [
      'another max-age',
      candidateOf({ rules: [{ ...web, maxAgeSeconds: 5 }] }),
      preflight(example),
      'photos answer matched matched',
    ],
    [
      'another Vary',
      candidateOf({ rules: [web], vary: 'dialect' }),
      preflight(example),
      'photos answer matched matched',
    ],
    [
      'another Vary of the dialect',
      candidateOf({ rules: [web], dialect: 's3' }),
      preflight(example, 'PUT', 'content-type'),
      'photos answer matched matched',
    ],
    [
      'a method and a header more, for others to ask for, make none',
      candidateOf({
        rules: [{ ...web, allowedMethods: ['GET', 'PUT', 'POST'], allowedHeaders: ['content-type', 'x-a'] }],
      }),
      preflight(example, 'PUT', 'content-type'),
      undefined,
    ],
    [
      'another max-age makes none on the actual request',
      candidateOf({ rules: [{ ...web, maxAgeSeconds: 5 }] }),
      { headers: ['Origin', example] },
      undefined,
    ],
    [
      'report mode, which leaves the answer to the store',
      candidateOf({ rules: [web], mode: 'report' }),
      preflight('https://b.example'),
      'photos mode origin origin',
    ],
    ['a malformed preflight makes none', snapshotOf({}), { method: 'OPTIONS' }, undefined],
  ])('%s', (_, candidate, sent, expected) => {
    const differences = createDifferences()
    compare(differences, live, candidate, sent)
    expect(series(differences, 'differences_total')).toEqual(expected === undefined ? [] : [`${expected} 1`])
    expect(differences.totals().compared).toBe(1)
    expect(differences.top()).toHaveLength(expected === undefined ? 0 : 1)
  })

  test('can be in a bucket that has a file in only one set of rules', () => {
    const differences = createDifferences()
    const next = snapshotOf({ photos: ruleFile({ rules: [web] }), videos: ruleFile({ rules: [web] }) })
    const sent = { ...preflight(example), target: '/videos/x' }
    compare(differences, live, next, sent)
    compare(differences, next, live, sent)
    // Not of a bucket that neither has.
    const fallback = snapshotOf({ _default: ruleFile({ rules: [web] }) })
    compare(differences, live, fallback, { ...sent, target: '/nobody/x' })
    compare(differences, live, fallback, { ...sent, target: '/somebody/x' })
    expect(series(differences, 'differences_total')).toEqual([
      'videos refused matched no_rules 1',
      'videos allowed no_rules matched 1',
      '_other allowed no_rules matched 2',
    ])
  })

  test('can come from a host that leads to another bucket', () => {
    const differences = createDifferences()
    const hosted = (bucket: string): Snapshot =>
      snapshotOf({
        photos: ruleFile({ rules: [web], hosts: bucket === 'photos' ? ['store.test'] : [] }),
        videos: ruleFile({ rules: [], hosts: bucket === 'videos' ? ['store.test'] : [] }),
      })
    compare(differences, hosted('photos'), hosted('videos'), preflight(example))
    expect(series(differences, 'differences_total')).toEqual(['photos refused matched no_rules 1'])
    expect(differences.top()[0]?.last).toMatchObject({
      live: { bucket: 'photos' },
      candidate: { bucket: 'videos' },
    })
  })

  test('can come from leaving a bucket to the store', () => {
    const differences = createDifferences()
    const sent = { ...preflight(example), target: '/videos/x' }
    compare(differences, live, snapshotOf({ videos: ruleFile({ rules: [web] }) }), sent, {
      unconfigured: 'forward',
    })
    expect(series(differences, 'differences_total')).toEqual(['videos mode no_rules matched 1'])
  })
})

describe('differences', () => {
  const shut = snapshotOf({})

  test('are grouped by bucket, origin, method and both outcomes, with the latest request', () => {
    let time = 0
    const differences = createDifferences({ now: () => ++time })
    compare(differences, live, shut, preflight('https://example.com', 'PUT', 'content-type'))
    compare(differences, live, shut, {
      ...preflight('https://example.com', 'PUT'),
      target: '/photos/dog.jpg?q',
    })
    compare(differences, live, shut, preflight('https://example.com', 'GET'))
    compare(differences, live, shut, { headers: ['Origin', 'https://example.com'] })
    const [first, ...others] = differences.top()
    const allowed = { bucket: 'photos', decision: 'allow', reason: 'matched', mode: 'enforce', rule: 'web' }
    const denied = {
      bucket: 'photos',
      decision: 'deny',
      reason: 'no_rules',
      mode: 'enforce',
      rule: undefined,
    }
    const last = {
      change: 'refused',
      live: allowed,
      candidate: denied,
      request: {
        time: 2,
        requestId: expect.any(String),
        bucket: 'photos',
        kind: 'preflight',
        origin: 'https://example.com',
        method: 'PUT',
        requestedHeaders: undefined,
        host: 'store.test',
        path: '/photos/dog.jpg',
      },
    }
    expect(first).toEqual({ count: 2, overcount: 0, first: 1, latest: 2, last, kinds: [last] })
    expect(others.map(({ last }) => [last.request.kind, last.request.method])).toEqual([
      ['actual', 'GET'],
      ['preflight', 'GET'],
    ])
    expect(differences.totals()).toEqual({ compared: 4, different: 4 })
  })

  test('use bounded memory and a bounded number of series, for any traffic', () => {
    const differences = createDifferences({ groups: 20, labels: 5 })
    const buckets = Array.from({ length: 20 }, (_, n) => `bucket-${n}`)
    const open = snapshotOf(
      Object.fromEntries(
        buckets.map((name) => [name, ruleFile({ rules: [rule({ allowedOrigins: ['*'] })] })]),
      ),
    )
    const flood = 'x'.repeat(5_000)
    for (let n = 0; n < 5_000; n++)
      compare(differences, open, shut, {
        ...preflight(`https://o${n}.example`, 'GET', n % 9 === 0 ? flood : ''),
        target: `/bucket-${n % 25}/${flood}${n}`,
      })
    expect(differences.top()).toHaveLength(20)
    expect(JSON.stringify(differences.top()).length).toBeLessThan(20 * 4_000)
    // Of twenty-five requested buckets twenty exist, and five have series of their own.
    const lines = series(differences, 'differences_total')
    expect(lines.map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['bucket-0', 'bucket-1', 'bucket-2', 'bucket-3', 'bucket-4', '_other']),
    )
    expect(lines.length).toBeLessThanOrEqual(6 * 2)
    const counted = lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    expect(counted).toBe(differences.totals().different)
  })

  test('lose the series of a bucket that is gone from both sets of rules', () => {
    const differences = createDifferences()
    compare(differences, live, shut, preflight('https://example.com'))
    differences.prune((bucket) => bucket === 'photos')
    expect(series(differences, 'differences_total')).toHaveLength(1)
    differences.prune(() => false)
    expect(series(differences, 'differences_total')).toEqual([])
  })
})

const rules = (parts: { origins?: string; methods?: string; more?: string } = {}): string => `rules:
  - id: web
    allowedOrigins: [${parts.origins ?? '"https://example.com"'}]
    allowedMethods: [${parts.methods ?? 'GET, PUT'}]
    allowedHeaders: [content-type]
${parts.more ?? ''}`

interface Shown {
  readonly [name: string]: unknown
  readonly groups: readonly Readonly<Record<string, unknown>>[]
}

/** `/-/candidates` as soon as it `holds`. */
const shown = (serving: Serving, holds: (view: Shown) => boolean): Promise<Shown> =>
  eventually(async () => (await serving.json('/-/candidates')) as Shown, holds)

const ask = (serving: Serving, origin: string, method = 'GET', ...headers: string[]): Promise<Answered> =>
  serving.send({
    method: 'OPTIONS',
    path: '/photos/cat.jpg',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': method,
      ...(headers.length === 0 ? {} : { 'Access-Control-Request-Headers': headers.join(',') }),
    },
  })

const loaded = (view: Shown): boolean => view.generation === 1 && view.lastReload !== undefined

describe('--candidate-rules', () => {
  test('judges every request by both sets, answers with the live one, and reports differences', async () => {
    const serving = await serveInTest({
      rules: { 'photos.yaml': rules() },
      candidates: {
        'photos.yaml': rules({ methods: 'GET', origins: '"https://example.com", "https://b.example"' }),
      },
    })
    expect(await shown(serving, loaded)).toMatchObject({
      directory: serving.candidateDirectory,
      lastReload: { successful: true, time: expect.stringMatching(/^20.*Z$/) },
      states: { ok: 1, stale: 0, invalid: 0 },
      compared: 0,
      different: 0,
      groups: [],
    })
    expect(await ask(serving, 'https://example.com', 'PUT', 'content-type')).toMatchObject({ status: 200 })
    expect(await ask(serving, 'https://example.com', 'PUT', 'content-type')).toMatchObject({ status: 200 })
    expect(await ask(serving, 'https://b.example', 'GET')).toMatchObject({ status: 403 })
    expect(await ask(serving, 'https://example.com', 'GET')).toMatchObject({ status: 200 })
    await serving.send({ path: '/photos/cat.jpg', headers: { Origin: 'https://b.example' } })
    // Without Origin it is not a CORS request, so there is nothing to compare.
    await serving.send({ path: '/photos/cat.jpg' })
    await serving.send({ method: 'OPTIONS', path: '/photos/cat.jpg' })

    const view = await shown(serving, ({ compared }) => compared === 5)
    expect(view).toMatchObject({ compared: 5, different: 4, undecided: 0, settled: 0 })
    const group = {
      bucket: 'photos',
      overcount: 0,
      first: expect.stringMatching(/^20.*Z$/),
      last: expect.stringMatching(/^20.*Z$/),
    }
    const outcome = { bucket: 'photos', mode: 'enforce', rule: 'web' }
    const allow = { ...outcome, decision: 'allow', reason: 'matched' }
    const example = {
      requestId: expect.any(String),
      host: `localhost:${serving.dataPort}`,
      path: '/photos/cat.jpg',
    }
    const explain = `cors-sidecar explain --rules ${serving.candidateDirectory} --dialect cos --bucket photos`
    expect(view.groups[0]).toEqual({
      ...group,
      change: 'refused',
      origin: 'https://example.com',
      method: 'PUT',
      kind: 'preflight',
      count: 2,
      live: allow,
      candidate: { ...outcome, decision: 'deny', reason: 'method' },
      example: { ...example, requestedHeaders: 'content-type' },
      explanation: {
        live: 'Rule web of bucket photos allows it.',
        candidate: 'Rule web allows this origin, but only with GET, not with PUT.',
      },
      explain: `${explain} --origin https://example.com --method PUT --header content-type`,
    })
    expect(view.groups.slice(1)).toHaveLength(2)
    expect(view.groups.slice(1)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          change: 'allowed',
          kind: 'preflight',
          live: { ...outcome, decision: 'deny', reason: 'origin' },
          candidate: allow,
          count: 1,
        }),
        expect.objectContaining({
          change: 'allowed',
          kind: 'actual',
          count: 1,
          explain: `${explain} --origin https://b.example --method GET --actual`,
        }),
      ]),
    )
    expect(await serving.metrics('candidate_')).toEqual([
      'cors_sidecar_candidate_compared_total 5',
      'cors_sidecar_candidate_differences_total{bucket="photos",change="refused",live="matched",candidate="method"} 2',
      'cors_sidecar_candidate_differences_total{bucket="photos",change="allowed",live="origin",candidate="matched"} 2',
      'cors_sidecar_candidate_rule_files{state="ok"} 1',
      'cors_sidecar_candidate_rule_files{state="stale"} 0',
      'cors_sidecar_candidate_rule_files{state="invalid"} 0',
      'cors_sidecar_candidate_rules_last_reload_successful 1',
      'cors_sidecar_candidate_rules_generation 1',
    ])
    // The live decisions are counted as always.
    expect(await serving.metrics('decisions_total')).toHaveLength(4)
  })

  test('follows changes of its directory, and drops differences that no longer exist', async () => {
    const serving = await serveInTest({
      rules: { 'photos.yaml': rules() },
      candidates: { 'photos.yaml': rules({ methods: 'GET' }) },
    })
    await shown(serving, loaded)
    await ask(serving, 'https://example.com', 'PUT')
    expect(await shown(serving, ({ different }) => different === 1)).toMatchObject({
      groups: [{ change: 'refused' }],
    })
    await writeFile(join(serving.candidateDirectory, 'next'), rules())
    await rename(join(serving.candidateDirectory, 'next'), join(serving.candidateDirectory, 'photos.yaml'))
    expect(await shown(serving, ({ generation }) => generation === 2)).toMatchObject({
      generation: 2,
      different: 1,
      settled: 1,
      groups: [],
    })
    await ask(serving, 'https://example.com', 'PUT')
    expect(await shown(serving, ({ compared }) => compared === 2)).toMatchObject({ different: 1 })
  })

  test('without a directory only warn, and are loaded when the directory appears', async () => {
    const serving = await serveInTest({
      rules: { 'photos.yaml': rules() },
      candidates: {},
      flags: ['--candidate-rules', join(import.meta.dirname, 'no-such-directory')],
    })
    expect(await serving.admin('/readyz')).toMatchObject({ status: 200 })
    expect(await ask(serving, 'https://example.com', 'PUT')).toMatchObject({ status: 200 })
    expect(await shown(serving, ({ lastReload }) => lastReload !== undefined)).toMatchObject({
      generation: 0,
      lastReload: { successful: false, failure: 'it does not exist' },
      compared: 0,
    })
    expect(await serving.metrics('candidate_rules')).toEqual([
      'cors_sidecar_candidate_rules_last_reload_successful 0',
      'cors_sidecar_candidate_rules_generation 0',
    ])
    expect(await serving.metrics('rules_last_reload_successful')).toEqual([
      'cors_sidecar_rules_last_reload_successful 1',
    ])
    const reported = (await serving.stop()).filter(({ msg }) => String(msg).includes('candidate'))
    expect(reported).toMatchObject([{ level: 'warn', msg: expect.stringContaining('it does not exist') }])
  })

  test('with an error in a file ignore that bucket, and report the error', async () => {
    const serving = await serveInTest({
      rules: { 'photos.yaml': rules(), 'videos.yaml': rules() },
      candidates: {
        'photos.yaml': 'rules: [{allowedOrigins: [*], allowedMethods: [GET]}]\n',
        'videos.yaml': rules({ methods: 'GET' }),
      },
    })
    await shown(serving, loaded)
    expect(await ask(serving, 'https://example.com', 'PUT')).toMatchObject({ status: 200 })
    await serving.send({
      method: 'PUT',
      path: '/videos/x',
      headers: { Origin: 'https://example.com' },
      body: 'x',
    })
    expect(await shown(serving, ({ different }) => different === 1)).toMatchObject({
      lastReload: { successful: false },
      states: { ok: 1, stale: 0, invalid: 1 },
      files: [
        {
          file: 'photos.yaml',
          bucket: 'photos',
          state: 'invalid',
          findings: [{ line: 1, severity: 'error' }],
        },
      ],
      compared: 1,
      undecided: 1,
      groups: [{ bucket: 'videos' }],
    })
    expect(await serving.metrics('candidate_rule_files')).toContain(
      'cors_sidecar_candidate_rule_files{state="invalid"} 1',
    )
    expect(await serving.metrics('rule_files')).toContain('cors_sidecar_rule_files{state="ok"} 2')
    const reported = (await serving.stop()).filter(({ msg }) => String(msg).startsWith('candidate rules'))
    expect(reported[0]).toMatchObject({ level: 'warn', 'code.file.path': 'photos.yaml', line: 1 })
  })

  test('keep the last good rules when their directory disappears', async () => {
    const serving = await serveInTest({
      rules: { 'photos.yaml': rules() },
      candidates: { 'photos.yaml': rules({ methods: 'GET' }) },
    })
    await shown(serving, loaded)
    await rm(serving.candidateDirectory, { recursive: true })
    await serving.admin('/-/reload', 'POST')
    const gone = await shown(serving, ({ lastReload }) => JSON.stringify(lastReload).includes('exist'))
    expect(gone).toMatchObject({ generation: 1, lastReload: { successful: false } })
    expect(await ask(serving, 'https://example.com', 'PUT')).toMatchObject({ status: 200 })
    expect(await shown(serving, ({ different }) => different === 1)).toMatchObject({ different: 1 })
    await mkdir(serving.candidateDirectory)
    await writeFile(join(serving.candidateDirectory, 'photos.yaml'), rules())
    expect(await shown(serving, ({ settled }) => settled === 1)).toMatchObject({ groups: [], generation: 2 })
  })

  test('ignore requests that are answered before any rule is checked', async () => {
    const serving = await serveInTest({
      rules: { 'photos.yaml': rules() },
      candidates: { 'videos.yaml': rules() },
    })
    await shown(serving, loaded)
    const headers = { Origin: 'https://example.com' }
    expect(await serving.send({ path: '/photos/../x', headers })).toMatchObject({ status: 400 })
    expect(await serving.send({ method: 'PURGE', path: '/photos/x', headers })).toMatchObject({ status: 405 })
    await serving.send({ path: '/photos/x', headers })
    expect(await shown(serving, ({ compared }) => compared !== 0)).toMatchObject({
      compared: 1,
      different: 1,
    })
  })

  test('give commands that are quoted for a shell, and none for requests that were cut', async () => {
    const serving = await serveInTest({
      rules: { 'photos.yaml': rules().replace('content-type', '"*"') },
      candidates: { 'photos.yaml': rules() },
    })
    await shown(serving, loaded)
    const hostile = "x'`$y`"
    const long = Array.from({ length: 120 }, (_, n) => `x-${'a'.repeat(10)}-${n}`)
    expect(await ask(serving, 'https://example.com', 'GET', hostile)).toMatchObject({ status: 200 })
    expect(await ask(serving, 'https://example.com', 'PUT', ...long)).toMatchObject({ status: 200 })
    const { groups } = await shown(serving, ({ different }) => different === 2)
    expect(groups.toSorted((one) => (one.method === 'GET' ? -1 : 1))).toMatchObject([
      {
        explain: expect.stringMatching(/ --header 'x'\\''`\$y`'$/),
        explanation: { candidate: expect.stringContaining(`not the header ${hostile}`) },
      },
      { example: { requestedHeaders: expect.stringMatching(/…$/) } },
    ])
    const cut = groups.find(({ method }) => method === 'PUT')
    expect([cut?.explain, cut?.explanation]).toEqual([undefined, undefined])
  })

  test('are shown only to callers that may see the rules', async () => {
    const serving = await serveInTest({ rules: {}, candidates: {} })
    const foreign = { path: '/-/candidates', headers: { Host: 'evil.example' } }
    expect(await serving.adminSend(foreign)).toMatchObject({ status: 403 })
    expect(await serving.admin('/-/candidates', 'POST')).toMatchObject({ status: 405 })
  })

  test('have no page and no metrics if the flag is not set', async () => {
    const serving = await serveInTest({ rules: { 'photos.yaml': rules() } })
    await ask(serving, 'https://example.com')
    expect(await serving.admin('/-/candidates')).toMatchObject({
      status: 404,
      body: expect.stringContaining('--candidate-rules DIR'),
    })
    expect(await serving.metrics('candidate')).toEqual([])
  })
})
