/**
 * The baseline: a `node:http` server that always writes the given header lines: `node bare.ts
 * '["Name","value",…]'`.
 */
import { createServer } from 'node:http'
import { serveOnFreePort } from './serve.ts'

const lines: string[] = JSON.parse(process.argv[2] ?? '[]')
serveOnFreePort(
  createServer((_request, response) => {
    response.writeHead(200, lines)
    response.end()
  }),
)
