import { exposedHeaders, maxAgeSeconds, methods, origins, requestedHeaders } from '../rule-sets.ts'

export interface TraefikFiles {
  readonly port: number
  /** The file with {@link traefikRoutes}. */
  readonly routes: string
  /** Where its access log goes. */
  readonly log: string | undefined
}

/** The static configuration, as YAML. */
export const traefikProxy = ({ port, routes, log }: TraefikFiles): string => `entryPoints:
  pages: { address: "127.0.0.1:${port}" }
providers:
  file: { filename: ${routes} }
log: { level: ERROR }
global: { checkNewVersion: false, sendAnonymousUsage: false }
${log === undefined ? '' : `accessLog: { filePath: ${log}, format: json, bufferingSize: 100 }\n`}`

/** Its `headers` middleware answers preflights itself. */
export const traefikRoutes = (upstreamPort: number): string => `http:
  routers:
    pages: { rule: "PathPrefix(\`/\`)", service: store, middlewares: [cors] }
  middlewares:
    cors:
      headers:
        accessControlAllowOriginList: [${origins.map((origin) => JSON.stringify(origin)).join(', ')}]
        accessControlAllowCredentials: true
        accessControlAllowMethods: [${methods.join(', ')}]
        accessControlAllowHeaders: [${requestedHeaders.split(',').join(', ')}]
        accessControlExposeHeaders: [${exposedHeaders.join(', ')}]
        accessControlMaxAge: ${maxAgeSeconds}
        addVaryHeader: true
  services:
    store: { loadBalancer: { servers: [{ url: "http://127.0.0.1:${upstreamPort}" }] } }
`
