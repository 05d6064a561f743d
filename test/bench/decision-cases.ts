import { readFacts } from '../../src/http.ts'
import { plan } from '../../src/plan/plan.ts'
import { nextSnapshot, nothingLoaded } from '../../src/plan/snapshot.ts'
import { identity, loaded, rule, ruleFile, setup } from '../core.ts'

const ordinary = ruleFile({
  rules: [
    rule({ id: 'read', allowedOrigins: ['*'], allowedHeaders: ['range'] }),
    rule({
      id: 'write',
      allowedOrigins: ['https://example.com', 'https://*.example.org'],
      allowedMethods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'],
      allowedHeaders: ['content-type', 'content-md5', 'authorization', 'x-amz-*', 'x-cos-*'],
      exposeHeaders: ['ETag'],
      maxAgeSeconds: 600,
    }),
  ],
})
const hundred = ruleFile({
  rules: Array.from({ length: 100 }, (_, number) =>
    rule({
      allowedOrigins: Array.from({ length: 100 }, (_, index) => `https://a${number}-${index}.example.com`),
      allowedMethods: ['PUT'],
      allowedHeaders: ['content-type', 'x-amz-*'],
    }),
  ),
})

const snapshot = nextSnapshot(
  nothingLoaded,
  [loaded('ordinary', ordinary), loaded('hundred', hundred)],
  'cos',
  0,
)

const preflight = (
  bucket: string,
  origin: string,
  headers: string,
  more: readonly string[] = [],
): (() => unknown) => {
  const lines = ['Host', 'store.test', 'Origin', origin, 'Access-Control-Request-Method', 'PUT']
  const raw = [...lines, 'Access-Control-Request-Headers', headers, ...more]
  return () => plan(snapshot, setup, readFacts('OPTIONS', `/${bucket}/key`, '1.1', raw), identity)
}

const sdk =
  'amz-sdk-invocation-id,amz-sdk-request,authorization,x-amz-content-sha256,x-amz-date,x-amz-user-agent'.split(
    ',',
  )
const names = (count: number, name: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => name(index)).join(',')

/** Preflights: an ordinary one first, then the most expensive known ones that fit into 16 KB. */
export const decisionCases: readonly (readonly [name: string, decide: () => unknown])[] = [
  [
    'normal: allowed by the second rule',
    preflight('ordinary', 'https://example.com', 'authorization,x-amz-date,content-type'),
  ],
  ['normal: refused for an SDK header', preflight('ordinary', 'https://example.com', sdk.join(','))],
  ['no such bucket', preflight('nowhere', 'https://example.com', 'content-type')],
  [
    '100 rules of 100 origins, the last matches',
    preflight('hundred', 'https://a99-99.example.com', 'content-type'),
  ],
  [
    '128 names, all by wildcard',
    preflight(
      'ordinary',
      'https://example.com',
      names(128, (i) => `x-cos-${i}`),
    ),
  ],
  [
    '128 names, the last is not allowed',
    preflight('ordinary', 'https://a.example.org', `${names(127, (i) => `x-cos-${'y'.repeat(50)}${i}`)},z`),
  ],
  ['8 KB of commas', preflight('ordinary', 'https://example.com', ','.repeat(8192))],
  ['8 KB of blanks', preflight('ordinary', 'https://example.com', ' '.repeat(8192))],
  ['8 KB as one name', preflight('ordinary', 'https://example.com', 'x'.repeat(8192))],
  [
    '8 KB of names of one letter',
    preflight(
      'ordinary',
      'https://example.com',
      names(4096, () => 'x'),
    ),
  ],
  [
    '15 KB of names',
    preflight(
      'ordinary',
      'https://example.com',
      names(1500, (i) => `x-cos-${i}`),
    ),
  ],
  [
    '400 empty lines',
    preflight(
      'ordinary',
      'https://example.com',
      '',
      Array.from({ length: 400 }, () => ['Access-Control-Request-Headers', '']).flat(),
    ),
  ],
  ['an Origin of 8 KB', preflight('ordinary', `https://${'a'.repeat(8192)}`, '')],
  ['an Origin of 155 labels', preflight('ordinary', `https://${'a.'.repeat(155)}!`, '')],
]

const repeats = 10_000

/** Nanoseconds per decision, averaged over many. */
export function nanosecondsOf(decide: () => unknown): number {
  for (let i = 0; i < repeats / 4; i++) decide()
  const started = process.hrtime.bigint()
  for (let i = 0; i < repeats; i++) decide()
  return Number(process.hrtime.bigint() - started) / repeats
}
