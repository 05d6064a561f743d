/** http-proxy-3 as its README shows it, with a keep-alive agent: `node stock.ts UPSTREAM_PORT`. It knows no CORS. */
import { Agent, createServer } from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import { serveOnFreePort } from './serve.ts'

const proxy = createProxyServer({
  target: { host: '127.0.0.1', port: Number(process.argv[2]) },
  agent: new Agent({ keepAlive: true }),
})
// An unanswered request counts as a failure of the load.
proxy.on('error', (error) => console.error(error))
serveOnFreePort(createServer((request, response) => proxy.web(request, response)))
