/**
 * A store that reads uploads and discards them: `node discard-store.ts`. It answers with the number of bytes, after
 * all have arrived.
 */
import { createServer } from 'node:http'
import { serveOnFreePort } from './serve.ts'

const server = createServer((request, response) => {
  let bytes = 0
  request.on('data', (piece: Buffer) => {
    bytes += piece.length
  })
  request.on('end', () => {
    response.writeHead(200, ['X-Bytes', String(bytes), 'Content-Length', '0'])
    response.end()
  })
  request.on('error', () => {})
})
server.requestTimeout = 0
serveOnFreePort(server)
