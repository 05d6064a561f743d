import { once } from 'node:events'
import { type IncomingMessage, STATUS_CODES, request as send } from 'node:http'
import type { Explained, ExplainedResponse, HeaderPairs } from '../plan/explained.ts'
import type { Finding } from '../plan/finding.ts'
import type { FileState } from '../plan/snapshot.ts'
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

/** Milliseconds. Of an explanation, most is the start of the thread that makes the proposal, on a busy machine. */
const answerTime = 15_000

/** What `/-/rules` answers, as far as the page shows it. */
interface RuleFiles {
  readonly files: readonly {
    readonly state: FileState
    readonly since: string
    readonly findings: readonly Omit<Finding, 'file'>[]
  }[]
}

/** An explanation with what the demo's page shows beside it. */
export interface ShownExplanation extends Omit<Explained, 'file' | 'request' | 'response'> {
  /** Request and response, word for word. */
  readonly exchange: string
  readonly file: RuleFiles['files'][number] | undefined
}

/** Why the sidecar decides a request as it does, from its admin port, with the rule file that would allow it. */
export async function explainRequest(setup: PageSetup, question: PageQuestion): Promise<ShownExplanation> {
  const { bucket, key, headers, actual, ...rest } = question
  const query = new URLSearchParams({ ...rest, bucket, path: keyPath(key), actual: String(actual) })
  if (headers !== '') query.set('headers', headers)
  const explained: Explained = JSON.parse(await askAdmin(setup, `/-/explain?${query}`))
  // Removed by hand, a file is no longer listed.
  const { files }: RuleFiles = JSON.parse(await askAdmin(setup, `/-/rules?bucket=${bucket}`, '{"files":[]}'))
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

/** JSON of the admin port, which this process serves itself; `missing` stands for a 404, where one is expected. */
async function askAdmin(setup: PageSetup, path: string, missing?: string): Promise<string> {
  const answer = await fetch(`${setup.adminOrigin}${path}`, { signal: AbortSignal.timeout(answerTime) })
  const body = await answer.text()
  return answer.status === 404 && missing !== undefined ? missing : body
}

function exchangeText(request: Explained['request'], response: ExplainedResponse): string {
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

const linesOf = (headers: HeaderPairs): string[] => headers.map(([name, value]) => `${name}: ${value}`)
