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
  /** Rejects with Node's error, for example EADDRINUSE. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>
  close(): Promise<void>
}

/** Milliseconds that running responses have to finish when the port closes. */
const lastAnswerMilliseconds = 500

type FindRoute = (path: string) => Route | undefined

/** Longer request targets get 414. */
const maxTargetLength = 8192

/** The second listener: health, metrics, the console and its endpoints. */
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
    // Node checks the timeouts only every 30 s by default, so a silent connection could stay open for 45 s instead of 15 s.
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
          // Node starts to enforce headersTimeout and requestTimeout at this event.
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
        // Leaves time for the responses to `/drained`, which are sent when the drain ends.
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
  // Suspends the idle limits until there is a response to read: `/drained` may wait as long as `--drain-timeout`. If it
  // were cut off, the store whose `preStop` hook calls it would stop and abort its transfers.
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
  if (route === undefined) return json(404, { error: 'Not found.' })
  const allowed: readonly string[] = route.methods.includes('GET') ? ['GET', 'HEAD'] : route.methods
  if (!allowed.includes(method))
    return json(405, { error: `Use ${allowed.join(' or ')}.` }, { Allow: allowed.join(', ') })
  if (route.restricted) {
    const refusal = await refuseAccess(request, tokenFile, sessions)
    if (refusal !== undefined) return refusalReply(path, refusal)
  }
  return route.answer(request, new URLSearchParams(url.slice(path.length + 1)))
}

/** `/` is opened by people, so it gets a page; programs call the other paths and get JSON. */
async function refusalReply(path: string, refusal: AccessRefusal): Promise<Reply> {
  const { status, message } = refusal
  const challenge: Readonly<Record<string, string>> = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}
  if (path !== '/') return json(status, { error: message }, challenge)
  const page = await refusalPage(refusal)
  return { ...page, headers: { ...page.headers, ...challenge } }
}
