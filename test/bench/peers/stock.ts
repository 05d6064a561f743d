/** http-proxy-3 as in its README, with a keep-alive agent and without CORS: `node stock.ts UPSTREAM_PORT`. */
import { Agent, createServer } from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import { serveOnFreePort } from './serve.ts'

const proxy = createProxyServer({
  target: { host: '127.0.0.1', port: Number(process.argv[2]) },
  agent: new Agent({ keepAlive: true }),
})
// An unanswered request fails the load.
proxy.on('error', (error) => console.error(error))
serveOnFreePort(createServer((request, response) => proxy.web(request, response)))
