/** fastify with @fastify/cors and @fastify/http-proxy (undici): `node fastify.ts UPSTREAM_PORT`. */
import cors from '@fastify/cors'
import proxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { exposedHeaders, maxAgeSeconds, methods, origins } from '../rule-sets.ts'
import { printPort } from './serve.ts'

const app = fastify()
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
