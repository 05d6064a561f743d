import type { IncomingMessage } from 'node:http'
import { presets } from '../cors/presets.ts'
import type { Log } from '../log/log.ts'
import { contentTypes, negotiateFormat } from '../metrics/family.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Setup } from '../plan/judge.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import type { IdleLimits } from '../proxy/idle.ts'
import type { Denials } from '../requests/denials.ts'
import type { ReloadOutcome } from '../rules/reload-result.ts'
import { type CandidatesShown, candidatesReply } from './candidates-view.ts'
import { readConsole } from './console.ts'
import { denialsReply } from './denials-view.ts'
import { createDrainedReply } from './drained.ts'
import { explainReply } from './explain-view.ts'
import type { DecisionHistory } from './history.ts'
import { overviewReply } from './overview.ts'
import { readBody } from './read-body.ts'
import { json, type Reply, text } from './reply.ts'
import { checkReply, fileReply } from './rule-editor.ts'
import { countStates, rulesReply } from './rules-view.ts'
import type { Sessions } from './session.ts'
import { createSharedExposition, type ReadExposition } from './shared-exposition.ts'
import { signInPath, signInReply, signOutPath, signOutReply } from './sign-in.ts'
import { type StoreShown, storeReply } from './store-view.ts'

export interface AdminOptions {
  /** The current rules. */
  readonly rules: () => Snapshot
  /** Loads the rules directory again; {@link rules} then returns the result. */
  readonly reload: () => Promise<ReloadOutcome>
  readonly setup: Setup
  /** The rules directory. Proposals are changes to its files. */
  readonly directory: string
  /** Where callers on this machine reach the data port, e.g. `http://localhost:8080`. */
  readonly endpoint: () => string
  readonly metrics: Metrics
  readonly denials: Denials
  /** Absent without `--candidate-rules`. */
  readonly candidates?: CandidatesShown | undefined
  readonly store: StoreShown
  readonly log: Log
  /**
   * `live`: the data port listens and rules were loaded once. `ready`: live, and not draining. Neither calls the store.
   * `drained` resolves with true when a drain is over, and with false if none begins within some seconds.
   */
  readonly health: { live(): boolean; ready(): boolean; drained(): Promise<boolean> }
  /** If set, every caller of the console and `/-/…` needs the token in this file. */
  readonly tokenFile: string | undefined
  readonly version: string
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: () => number
  /** Milliseconds without a byte; see `limitConnections`. */
  readonly idleLimits?: IdleLimits
}

export interface Route {
  readonly methods: readonly ('GET' | 'POST')[]
  /** Only for callers on this machine; with a token file, only for callers that send the token. */
  readonly restricted: boolean
  readonly answer: (request: IncomingMessage, query: URLSearchParams) => Reply | Promise<Reply>
}

/** Longer bodies of a POST get 413. */
const maxBodyBytes = 131_072

export function createRoutes(
  options: AdminOptions,
  history: DecisionHistory,
  sessions: Sessions,
): (path: string) => Route | undefined {
  const { rules, setup, directory, endpoint, denials, health, metrics, tokenFile, now = Date.now } = options
  const readExposition = createSharedExposition(metrics)
  const explainer = { rules, setup, directory, endpoint, now }
  const overviewOptions = { ...options, history, started: now() }
  const routes = new Map<string, Route>([
    ['/healthz', open(() => (health.live() ? text(200, 'ok') : text(503, 'not up yet')))],
    ['/readyz', open(() => (health.ready() ? text(200, 'ok') : text(503, 'not ready')))],
    ['/drained', open(createDrainedReply(health.drained))],
    ['/metrics', open((request) => metricsReply(readExposition, request.headers.accept))],
    ['/-/rules', restricted((_request, query) => rulesReply(rules(), query))],
    ['/-/explain', restricted((_request, query) => explainReply(explainer, query))],
    ['/-/denials', restricted((_request, query) => denialsReply(explainer, denials, query))],
    ['/-/candidates', restricted(() => candidatesReply(options))],
    ['/-/reload', posted(() => reloadReply(options))],
    ['/-/overview', restricted((_request, query) => overviewReply(overviewOptions, query))],
    ['/-/presets', restricted(() => json(200, presets))],
    ['/-/file', restricted((_request, query) => fileReply(options, query))],
    ['/-/check', posted((request) => checkBody(options, request))],
    ['/-/store', restricted(() => storeReply(options.store))],
    [signInPath, { ...posted((request) => signInReply(request, tokenFile, sessions)), restricted: false }],
    [signOutPath, { ...posted(signOutReply), restricted: false }],
  ])
  const page = consoleRoute()
  return (path) => routes.get(path) ?? (path === '/' || path.startsWith('/-/page/') ? page : undefined)
}

const open = (answer: Route['answer']): Route => ({ methods: ['GET'], restricted: false, answer })
const restricted = (answer: Route['answer']): Route => ({ methods: ['GET'], restricted: true, answer })
const posted = (answer: Route['answer']): Route => ({ methods: ['POST'], restricted: true, answer })

/** Allows only the files of this server, and no script that turns strings into markup. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** The files of the page are read at its first request. */
function consoleRoute(): Route {
  let assets: ReturnType<typeof readConsole> | undefined
  return restricted(async (request) => {
    // The next request tries again: the cause may be temporary, for example too many open files.
    assets ??= readConsole().catch((error: unknown) => {
      assets = undefined
      throw error
    })
    const asset = (await assets).get(pathOf(request))
    return asset === undefined
      ? json(404, { error: 'Not found.' })
      : { status: 200, ...asset, headers: { 'Content-Security-Policy': pagePolicy } }
  })
}

export const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0] ?? ''

async function metricsReply(read: ReadExposition, accept: string | undefined): Promise<Reply> {
  const format = negotiateFormat(accept)
  return { status: 200, type: contentTypes[format], body: await read(format) }
}

async function reloadReply({ reload, rules }: AdminOptions): Promise<Reply> {
  const result = await reload()
  const snapshot = rules()
  const failed = {
    error:
      'A rule file has an error, the rules directory cannot be read, or a worker does not apply the rules.',
  }
  return json(result === 'failed' ? 500 : 200, {
    result,
    generation: snapshot.generation,
    states: countStates(snapshot),
    ...(result === 'failed' ? failed : {}),
    errors: snapshot.files
      .flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'error'))
      .slice(0, 100),
  })
}

async function checkBody(options: AdminOptions, request: IncomingMessage): Promise<Reply> {
  const body = await readBody(request, maxBodyBytes)
  return body === undefined
    ? json(413, { error: 'The text is longer than a rule file may be.' })
    : checkReply(options, body)
}
