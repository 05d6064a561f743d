import { exposedHeaders, maxAgeSeconds, methods, requestedHeaders } from '../rule-sets.ts'

export interface HaproxyFiles {
  readonly port: number
  readonly upstreamPort: number
  /** One allowed origin per line, which HAProxy looks up in a tree. */
  readonly originsFile: string
  /** An access log on standard output, where HAProxy writes each line by itself. */
  readonly logs: boolean
}

/** One thread. */
export const haproxyProxy = ({ port, upstreamPort, originsFile, logs }: HaproxyFiles): string => `global
  nbthread 1
  maxconn 4096
${logs ? '  log stdout format raw local0\n' : ''}defaults
  mode http
${logs ? '  log global\n  option httplog\n' : ''}  timeout connect 5s
  timeout client 120s
  timeout server 60s
frontend pages
  bind 127.0.0.1:${port}
  acl allowed req.hdr(origin) -m str -f ${originsFile}
  http-request return status 200 hdr Access-Control-Allow-Origin "%[req.hdr(origin)]" hdr Access-Control-Allow-Credentials true hdr Access-Control-Allow-Methods "${methods.join(',')}" hdr Access-Control-Allow-Headers "${requestedHeaders}" hdr Access-Control-Max-Age ${maxAgeSeconds} hdr Vary Origin if METH_OPTIONS allowed
  http-request deny if METH_OPTIONS
  http-request set-var(txn.origin) req.hdr(origin) if allowed
  http-response set-header Access-Control-Allow-Origin %[var(txn.origin)] if { var(txn.origin) -m found }
  http-response set-header Access-Control-Allow-Credentials true if { var(txn.origin) -m found }
  http-response set-header Access-Control-Expose-Headers "${exposedHeaders.join(',')}" if { var(txn.origin) -m found }
  http-response add-header Vary Origin
  default_backend store
backend store
  http-reuse always
  server store 127.0.0.1:${upstreamPort}
`
