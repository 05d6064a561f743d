/** express, cors and http-proxy-middleware with a keep-alive agent: `node express.ts UPSTREAM_PORT`. */
import { Agent, createServer } from 'node:http'
import cors from 'cors'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { exposedHeaders, maxAgeSeconds, methods, origins } from '../rule-sets.ts'
import { serveOnFreePort } from './serve.ts'

const app = express()
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
