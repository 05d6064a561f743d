/** Stores that misbehave in ways that no HTTP library allows. */

import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export interface Store {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** A store that passes every connection to `serve`. */
export function startRawStore(serve: (socket: Socket) => void, port = 0): Promise<Store> {
  return listen(
    createServer((socket) => {
      socket.on('error', () => {})
      serve(socket)
    }),
    port,
  )
}

/** A store that answers with `answer` and keeps its connections. */
export function startHttpStore(answer: RequestListener, port = 0): Promise<Store> {
  const server = createHttpServer(answer)
  server.keepAliveTimeout = 60_000
  server.requestTimeout = 0
  return listen(server, port)
}

/** What healthy stores send for every object, and accept as an upload. */
export const object = 'the object'

export const answerWithObject: RequestListener = (request, response) => {
  request.resume().on('end', () => response.writeHead(200, { ETag: '"1"' }).end(object))
}

async function listen(server: Server, port: number): Promise<Store> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
