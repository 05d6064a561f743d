import { once } from 'node:events'
import { type IncomingMessage, STATUS_CODES, request as send } from 'node:http'
import type { Explained, ExplainedResponse, HeaderPairs } from '../plan/explained.ts'
import type { Finding } from '../plan/finding.ts'
import type { FileState } from '../plan/snapshot.ts'
import type { DemoBucket } from './example-data.ts'
import type { PageSetup } from './page-setup.ts'

export interface PageQuestion {
  readonly bucket: DemoBucket
  readonly key: string
  readonly origin: string
  readonly method: string
  /** Access-Control-Request-Headers, or empty. */
  readonly headers: string
  /** The actual request, not its preflight. */
  readonly actual: boolean
}

/** Milliseconds. On a busy machine, the process that makes the proposal can take seconds to start. */
const answerTime = 15_000

/** The part of `/-/rules` that the page shows. */
interface RuleFiles {
  readonly files: readonly {
    readonly state: FileState
    readonly since: string
    readonly findings: readonly Omit<Finding, 'file'>[]
  }[]
}

export interface ShownExplanation extends Omit<Explained, 'file' | 'request' | 'response'> {
  /** Request and response as HTTP text. */
  readonly exchange: string
  readonly file: RuleFiles['files'][number] | undefined
}

/** Gets the explanation and the proposal from the admin port. */
export async function explainRequest(setup: PageSetup, question: PageQuestion): Promise<ShownExplanation> {
  const { bucket, key, headers, actual, ...rest } = question
  const query = new URLSearchParams({ ...rest, bucket, path: keyPath(key), actual: String(actual) })
  if (headers !== '') query.set('headers', headers)
  const explained: Explained = JSON.parse(await askAdmin(setup, `/-/explain?${query}`))
  // A deleted file is not listed.
  const { files }: RuleFiles = JSON.parse(await askAdmin(setup, `/-/rules?bucket=${bucket}`, '{"files":[]}'))
  const { request, response, ...shown } = explained
  // Leaves out all infos: the one about loopback origins does not apply here, because the demo's page has such an origin.
  const file = files[0] && {
    ...files[0],
    findings: files[0].findings.filter(({ severity }) => severity !== 'info'),
  }
  return { ...shown, exchange: exchangeText(request, response), file }
}

/** All header lines that the sidecar sends for an object, including those that a browser hides from scripts. */
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

/** Calls the admin port of this process. `missing` replaces the body of an expected 404. */
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
