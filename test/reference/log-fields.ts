import { requestLine } from '../../src/log/request-line.ts'
import type { FinishedRequest } from '../../src/requests/finished-request.ts'
import { rule, ruleFile, snapshotOf } from '../core.ts'
import { finished, preflight } from '../finished.ts'
import { table } from '../markdown.ts'
import { code, page } from './markdown.ts'

/** In page order. The generator fails on a field without an entry and on an entry without a field. */
const meanings: Readonly<Record<string, string>> = {
  level:
    '`info`; a denial may also be logged at `warn`, at most once a minute for similar denials and at most 100 lines a minute in total (with more than 50 workers, 2 for each)',
  time: 'when the request ended, ISO 8601 in UTC',
  msg: '`request`',
  request_id:
    "id of the request, also sent as the dialect's request id header in responses that the sidecar makes itself",
  trace_id: 'trace id of the `traceparent` header (W3C Trace Context)',
  bucket: 'the bucket that the request names, with or without a rule file',
  kind: '`preflight` or `actual`; absent if the request needed no CORS decision',
  decision: '`allow` or `deny`',
  reason: 'why: `matched`, `no_rules`, `origin`, `method`, `header` or `malformed`',
  mode: '`enforce`, or `report` if the sidecar leaves CORS to the store: with `mode: report`, or if no rule file applies to the bucket and `--unconfigured forward` is set',
  rule: 'the rule that allowed the request: its id, or its number if it has no id',
  closest_rule: 'of a denial: the rule that came closest',
  denied_header:
    'of a denial with reason `header`: the first requested header that the closest rule does not allow',
  'http.request.method': 'method of the request',
  'url.path': 'path, as it was sent',
  'url.query': 'query; the values of parameters that are not known to be harmless are `[redacted]`',
  'server.address': 'Host without its port',
  'server.port': 'port in Host',
  'http.request.header.origin': 'list of one: `Origin`, at most 512 characters',
  'http.request.header.access-control-request-method': 'list of one: the method that the preflight asks for',
  'http.request.header.access-control-request-headers':
    'list of one: the headers that the preflight asks for',
  'user_agent.original': '`User-Agent`',
  'client.address': 'address of the peer',
  'http.response.status_code': 'status of the response',
  duration_ms: 'milliseconds from the request headers to the end of the response',
  upstream_ms: "milliseconds from the complete request to the first byte of the store's response",
  'http.request.body.size': 'bytes of the request body',
  'http.response.body.size': 'bytes of the response body',
  'error.type': 'how the store failed: `refused`, `timeout`, `reset`, `truncated`, `invalid`, `dns` or `tls`',
  aborted: '`true` when the client disconnected before the response was complete',
  generation: 'generation of the snapshot that the request started with; each applied reload adds one',
}

export function logFieldsPage(): string {
  const written = new Set(samples().flatMap((sample) => Object.keys(fieldsOf(sample))))
  const missing = [...written].filter((name) => meanings[name] === undefined)
  const gone = Object.keys(meanings).filter((name) => !written.has(name))
  if (missing.length + gone.length > 0)
    throw new Error(`log fields without a meaning: ${missing}; meanings without a field: ${gone}`)
  return page(
    'Log fields',
    'On standard output, one JSON object per line, at most 8 KiB long. (On a terminal the default is text; `--log-format json` selects JSON there too.) When a request ends, the sidecar writes a line with `msg: "request"` at level `info`; `replay` and `suggest` read these lines. A field without a value is left out. Fields use the names of the [OpenTelemetry semantic conventions](https://opentelemetry.io/docs/specs/semconv/) where these define one.',
    table(
      ['field', 'meaning'],
      Object.entries(meanings).map(([name, meaning]) => [code(name), meaning]),
    ),
    'Other lines have `level`, `time`, `msg` and the fields of their event; an error is in `exception.type`, `exception.message` and `exception.stacktrace`.',
  )
}

const fieldsOf = (request: FinishedRequest): object =>
  JSON.parse(requestLine(request, '2026-01-01T00:00:00Z'))

/** Requests that together have every field. */
function samples(): readonly FinishedRequest[] {
  const rules = snapshotOf({ photos: ruleFile({ rules: [rule({ id: 'web' })] }) })
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const failed = { upstreamError: 'reset', upstreamMilliseconds: 2, aborted: true } as const
  return [
    finished(rules, preflight('https://example.com')),
    finished(rules, preflight('https://example.com', 'GET', 'x-a')),
    finished(
      rules,
      {
        target: '/photos/cat.jpg?versionId=1',
        headers: ['Origin', 'https://evil.example', 'User-Agent', 'a browser', 'traceparent', trace],
      },
      failed,
    ),
    withPort(finished(rules, {})),
  ]
}

const withPort = (request: FinishedRequest): FinishedRequest => ({
  ...request,
  facts: { ...request.facts, host: 'store.test:8080' },
})
