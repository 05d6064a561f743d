/**
 * express, cors and http-proxy-middleware with a keep-alive agent: `node express.ts UPSTREAM_PORT [LOG]`. With a log,
 * pino writes one line for each request.
 */
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import cors from 'cors'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import pino from 'pino'
import { exposedHeaders, maxAgeSeconds, methods, origins } from '../rule-sets.ts'
import { logFile, serveOnFreePort } from './serve.ts'

const app = express()
const log = process.argv[3]
if (log !== undefined) {
  const logger = pino(logFile(log))
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const started = performance.now()
    // As pino-http does, which is not installed: one line when the response is finished.
    response.on('finish', () =>
      logger.info(
        {
          method: request.method,
          url: request.url,
          headers: request.headers,
          remoteAddress: request.socket.remoteAddress,
          statusCode: response.statusCode,
          responseTime: performance.now() - started,
        },
        'request completed',
      ),
    )
    next()
  })
}
app.use(
  cors({
    origin: origins,
    methods,
    exposedHeaders,
    maxAge: maxAgeSeconds,
    credentials: true,
  }),
)
app.use(
  createProxyMiddleware({
    target: `http://127.0.0.1:${process.argv[2]}`,
    agent: new Agent({ keepAlive: true }),
  }),
)
serveOnFreePort(createServer(app))
