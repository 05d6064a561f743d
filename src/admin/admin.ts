import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createCrowd } from '../proxy/crowd.ts'
import { refuseAccess } from './access.ts'
import { createHistory, historyInterval } from './history.ts'
import { json, type Reply, sendReply } from './reply.ts'
import { type AdminOptions, createRoutes, pathOf, type Route } from './routes.ts'

export type { AdminOptions } from './routes.ts'

export interface Admin {
  /** Rejects with Node's error when the address cannot be listened on. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>
  close(): Promise<void>
}

/** Consoles and scrapers are few; what opens more is something else. */
const maxConnections = 256

/** For answers under way when the port closes. */
const lastAnswerMilliseconds = 500

type FindRoute = (path: string) => Route | undefined

/** Longest request target that is looked at. */
const maxTargetLength = 8192

/** The second listener: health, metrics, and what the rules say. */
export function createAdmin(options: AdminOptions): Admin {
  const { metrics, now = Date.now } = options
  const history = createHistory(metrics.decisionTotals, now)
  const findRoute = createRoutes(options, history)
  let sampling: NodeJS.Timeout | undefined
  const busy = new Set<Socket>()
  // Whoever reaches this port could else keep the kubelet from it with connections that do nothing.
  const crowd = createCrowd(maxConnections, (socket) => !busy.has(socket))
  const server = createServer(
    {
      maxHeaderSize: 16_384,
      headersTimeout: 15_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      // Node's own 30 s would let a silent connection stay for three times its time.
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      busy.add(request.socket)
      response.once('close', () => busy.delete(request.socket))
      answer(options, findRoute, request, response).catch((error: unknown) => {
        options.log.error('the admin port failed to answer', { error, 'url.path': pathOf(request) })
        response.destroy()
      })
    },
  )
  server.on('connection', crowd.admit)
  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port }, () => {
          server.off('error', reject)
          history.sample()
          sampling = setInterval(history.sample, historyInterval).unref()
          const address = server.address()
          if (address === null || typeof address === 'string')
            throw new Error('the admin port has no address')
          resolve(address)
        })
      }),
    close: () =>
      new Promise((resolve) => {
        clearInterval(sampling)
        server.close(() => resolve())
        server.closeIdleConnections()
        // The answer of `/drained` is due just now.
        setTimeout(() => server.closeAllConnections(), busy.size === 0 ? 0 : lastAnswerMilliseconds)
      }),
  }
}

async function answer(
  options: AdminOptions,
  findRoute: FindRoute,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await sendReply(request, response, await replyTo(options, findRoute, request))
}

async function replyTo(
  { tokenFile }: AdminOptions,
  findRoute: FindRoute,
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
    const refusal = await refuseAccess(request, tokenFile)
    if (refusal !== undefined)
      return json(
        refusal.status,
        { error: refusal.message },
        refusal.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {},
      )
  }
  return route.answer(request, new URLSearchParams(url.slice(path.length + 1)))
}
