import { once } from 'node:events'
import { type IncomingMessage, STATUS_CODES, request as send } from 'node:http'
import { z } from 'zod'
import type { DemoBucket } from './example-data.ts'
import type { PageSetup } from './page-setup.ts'

/** A request of the page that it wants explained. */
export interface PageQuestion {
  readonly bucket: DemoBucket
  readonly key: string
  readonly origin: string
  readonly method: string
  /** Access-Control-Request-Headers; empty for none. */
  readonly headers: string
  /** The request itself: it needs no preflight. */
  readonly actual: boolean
}

/** The sidecar is in the same process; whoever waits longer waits in vain. In milliseconds. */
const answerTime = 5000

const headerPairs = z.array(z.tuple([z.string(), z.string()]))

/** What `/-/explain` answers, as far as the page shows it. */
const explanation = z.object({
  decision: z.enum(['allow', 'deny']),
  reason: z.string(),
  text: z.string(),
  rule: z.string().optional(),
  lacks: z.object({ field: z.string(), value: z.string() }).optional(),
  hint: z.string().optional(),
  proposal: z.object({ file: z.string(), text: z.string(), diff: z.string() }).optional(),
  request: z.object({ method: z.string(), target: z.string(), headers: headerPairs }),
  response: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('answer'), status: z.number(), headers: headerPairs, body: z.string() }),
    z.object({ kind: z.literal('decorated'), headers: headerPairs }),
  ]),
  curl: z.string(),
})

const finding = z.object({
  line: z.number(),
  column: z.number(),
  severity: z.string(),
  code: z.string(),
  message: z.string(),
})

/** What `/-/rules` answers, as far as the page shows it. */
const ruleFiles = z.object({
  files: z.array(
    z.object({ state: z.enum(['ok', 'stale', 'invalid']), since: z.string(), findings: z.array(finding) }),
  ),
})

/** Why the sidecar decides a request as it does, from its admin port, with the rule file that would allow it. */
export async function explainRequest(setup: PageSetup, question: PageQuestion): Promise<object> {
  const { bucket, key, headers, actual, ...rest } = question
  const query = new URLSearchParams({ ...rest, bucket, path: keyPath(key), actual: String(actual) })
  if (headers !== '') query.set('headers', headers)
  const explained = explanation.parse(await askAdmin(setup, `/-/explain?${query}`))
  // Removed by hand, a file is no longer listed.
  const { files } = ruleFiles.parse(await askAdmin(setup, `/-/rules?bucket=${bucket}`, { files: [] }))
  const { request, response, ...shown } = explained
  // That the example rules name this machine is worth a remark elsewhere, not here.
  const file = files[0] && {
    ...files[0],
    findings: files[0].findings.filter(({ severity }) => severity !== 'info'),
  }
  return { ...shown, exchange: exchangeText(request, response), file }
}

/** What the sidecar sends for an object, header by header: also what a browser keeps from a script. */
export async function observeObject(
  setup: PageSetup,
  { bucket, key, origin }: Pick<PageQuestion, 'bucket' | 'key' | 'origin'>,
): Promise<object> {
  const request = send(`${setup.sidecarOrigin}/${bucket}${keyPath(key)}`, {
    method: 'HEAD',
    headers: { origin },
    agent: false,
    signal: AbortSignal.timeout(answerTime),
  })
  request.end()
  const [response]: IncomingMessage[] = await once(request, 'response')
  response?.resume()
  const lines = response?.rawHeaders ?? []
  const headers = lines.flatMap((name, index) => (index % 2 === 0 ? [[name, lines[index + 1]]] : []))
  return { status: response?.statusCode, headers }
}

const keyPath = (key: string): string => `/${key.split('/').map(encodeURIComponent).join('/')}`

/** The JSON of the admin port; `missing` stands for a 404, where one is expected. */
async function askAdmin(setup: PageSetup, path: string, missing?: object): Promise<unknown> {
  const answer = await fetch(`${setup.adminOrigin}${path}`, { signal: AbortSignal.timeout(answerTime) })
  const body: unknown = await answer.json()
  return answer.status === 404 && missing !== undefined ? missing : body
}

type Explained = z.infer<typeof explanation>

function exchangeText(request: Explained['request'], response: Explained['response']): string {
  return [
    `${request.method} ${request.target} HTTP/1.1`,
    ...linesOf(request.headers),
    '',
    ...(response.kind === 'answer'
      ? [
          `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}`,
          ...linesOf(response.headers),
          '',
          response.body,
        ]
      : ["The store's answer, with these CORS headers:", ...linesOf(response.headers)]),
  ].join('\n')
}

const linesOf = (headers: z.infer<typeof headerPairs>): string[] =>
  headers.map(([name, value]) => `${name}: ${value}`)
