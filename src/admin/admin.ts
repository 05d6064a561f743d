import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createFront } from 'node:net'
import { createServer } from '../proxy/node-http.ts'
import { type AccessRefusal, refuseAccess } from './access.ts'
import { limitConnections } from './connection-limit.ts'
import { createHistory, historyInterval } from './history.ts'
import { json, type Reply, sendReply } from './reply.ts'
import { type AdminOptions, createRoutes, pathOf, type Route } from './routes.ts'
import { createSessions, type Sessions } from './session.ts'
import { refusalPage } from './sign-in.ts'
import { createSlowFeed } from './slow-feed.ts'

export type { AdminOptions } from './routes.ts'

interface Admin {
  /** Rejects with Node's error when the address cannot be listened on. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>
  close(): Promise<void>
}

/** For answers under way when the port closes. */
const lastAnswerMilliseconds = 500

type FindRoute = (path: string) => Route | undefined

/** Longest request target that is looked at. */
const maxTargetLength = 8192

/** The second listener: health, metrics, and what the rules say. */
export function createAdmin(options: AdminOptions): Admin {
  const { metrics, now = Date.now } = options
  const history = createHistory(metrics.decisionTotals, now)
  const sessions = createSessions(now)
  const findRoute = createRoutes(options, history, sessions)
  let sampling: NodeJS.Timeout | undefined
  const server = createServer({
    maxHeaderSize: 16_384,
    headersTimeout: 15_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    // Node's own 30 s would let a silent connection stay for three times its time.
    connectionsCheckingInterval: 1_000,
  })
  const stopWatching = limitConnections(
    server,
    (request, response) => {
      answer(options, findRoute, sessions, request, response).catch((error: unknown) => {
        options.log.error('the admin port failed to answer', { error, 'url.path': pathOf(request) })
        response.destroy()
      })
    },
    options.idleLimits,
  )
  const slowly = createSlowFeed()
  const front = createFront({ allowHalfOpen: true, noDelay: true }, (socket) =>
    server.emit('connection', slowly(socket)),
  )
  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        front.once('error', reject)
        front.listen({ host, port }, () => {
          front.off('error', reject)
          // Starts Node's watch over headersTimeout and requestTimeout.
          server.emit('listening')
          history.sample()
          sampling = setInterval(history.sample, historyInterval).unref()
          const address = front.address()
          if (address === null || typeof address === 'string')
            throw new Error('the admin port has no address')
          resolve(address)
        })
      }),
    close: () =>
      new Promise((resolve) => {
        clearInterval(sampling)
        front.close(() => resolve())
        server.close()
        server.closeIdleConnections()
        // The answer of `/drained` is due just now.
        setTimeout(() => {
          stopWatching()
          server.closeAllConnections()
        }, lastAnswerMilliseconds)
      }),
  }
}

async function answer(
  options: AdminOptions,
  findRoute: FindRoute,
  sessions: Sessions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Takes the response out of the idle limits: its client cannot read what does not exist yet. `/drained` answers after
  // as long as `--drain-timeout`, and a store whose `preStop` is cut off before aborts its transfers.
  const notYetReadable = (): void => {}
  response.on('timeout', notYetReadable)
  const reply = await replyTo(options, findRoute, sessions, request)
  response.off('timeout', notYetReadable)
  await sendReply(request, response, reply)
}

async function replyTo(
  { tokenFile }: AdminOptions,
  findRoute: FindRoute,
  sessions: Sessions,
  request: IncomingMessage,
): Promise<Reply> {
  const { url = '', method = '' } = request
  if (url.length > maxTargetLength) return json(414, { error: 'The request target is too long.' })
  const path = pathOf(request)
  const route = findRoute(path)
  if (route === undefined) return json(404, { error: 'There is nothing here.' })
  const allowed: readonly string[] = route.methods.includes('GET') ? ['GET', 'HEAD'] : route.methods
  if (!allowed.includes(method))
    return json(405, { error: `Use ${allowed.join(' or ')}.` }, { Allow: allowed.join(', ') })
  if (route.restricted) {
    const refusal = await refuseAccess(request, tokenFile, sessions)
    if (refusal !== undefined) return refusalReply(path, refusal)
  }
  return route.answer(request, new URLSearchParams(url.slice(path.length + 1)))
}

/** A person opens the console's page; everything else is asked for by programs. */
async function refusalReply(path: string, refusal: AccessRefusal): Promise<Reply> {
  const { status, message } = refusal
  const asked: Readonly<Record<string, string>> = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}
  if (path !== '/') return json(status, { error: message }, asked)
  const page = await refusalPage(refusal)
  return { ...page, headers: { ...page.headers, ...asked } }
}
