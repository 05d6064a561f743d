/**
 * fastify with @fastify/cors and @fastify/http-proxy (undici): `node fastify.ts UPSTREAM_PORT [LOG]`. With a log, its
 * pino logger writes one line for each request instead of its usual two.
 */
import cors from '@fastify/cors'
import proxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { exposedHeaders, maxAgeSeconds, methods, origins } from '../rule-sets.ts'
import { logFile, printPort } from './serve.ts'

const log = process.argv[3]
const app = fastify(
  log === undefined ? {} : { logger: { level: 'info', stream: logFile(log) }, disableRequestLogging: true },
)
if (log !== undefined)
  app.addHook('onResponse', async (request, reply) => {
    request.log.info({ req: request, res: reply, responseTime: reply.elapsedTime }, 'request completed')
  })
await app.register(cors, {
  origin: [...origins],
  methods: [...methods],
  exposedHeaders: [...exposedHeaders],
  maxAge: maxAgeSeconds,
  credentials: true,
})
await app.register(proxy, {
  upstream: `http://127.0.0.1:${process.argv[2]}`,
  undici: { connections: 64, pipelining: 1 },
  // @fastify/cors handles OPTIONS.
  httpMethods: [...methods],
})
await app.listen({ port: 0, host: '127.0.0.1' })
printPort(app.server.address())
