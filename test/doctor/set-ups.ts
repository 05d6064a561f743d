import { join } from 'node:path'
import type { Hop, ProblemCode } from '../../src/doctor/codes.ts'
import { caddy, freePort, haproxy, nginx, server } from './hops.ts'

/** The servers behind the hops. */
export interface Bench {
  /**
   * The sidecar in front of `store`. Its rules allow `page`, `otherPage`, `securePage` and `publicPage` to read and
   * write.
   */
  readonly sidecar: number
  /** A store like MinIO, without CORS. */
  readonly store: number
  readonly rules: string
}

export const page = 'http://localhost:5173'
export const otherPage = 'http://localhost:3000'
export const securePage = 'https://localhost:5173'
export const publicPage = 'https://app.example.com'

/** One arrangement: the URL that a page requests, and further arguments. */
interface Asked {
  readonly url: string
  readonly args?: readonly string[]
  readonly origin?: string
}

export interface SetUp {
  readonly name: string
  readonly code: ProblemCode
  readonly hop: Hop
  readonly broken: (bench: Bench) => Promise<Asked>
  readonly repaired: (bench: Bench) => Promise<Asked>
}

const object = (port: number, host = 'localhost'): string => `http://${host}:${port}/photos/cat.jpg`
const put = ['--method', 'PUT', '--header', 'content-type'] as const
const at = (port: number, args: readonly string[] = []): Asked => ({ url: object(port), args })

const tls = (name: string): string => join(import.meta.dirname, '..', 'fixtures', 'tls', name)

/** An nginx that forwards correctly, with additional lines. */
const passing = (upstream: number, lines = '', pass = `http://127.0.0.1:${upstream}`) =>
  nginx(
    (port, folder) => `proxy_cache_path ${folder}/cache keys_zone=answers:1m;
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / { proxy_pass ${pass}; proxy_set_header Host $http_host; proxy_request_buffering off; ${lines} }
  }`,
  )

/** An nginx with lines of its own instead of a location. */
const serving = (lines: string) => nginx((port) => `server { listen 127.0.0.1:${port}; ${lines} }`)

const secured = (upstream: number, certificate: string) =>
  nginx(
    (port) => `server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${tls(`${certificate}.pem`)}; ssl_certificate_key ${tls(`${certificate}.key`)};
    location / { proxy_pass http://127.0.0.1:${upstream}; proxy_set_header Host $http_host; }
  }`,
  )

const httpsObject = (port: number): string => `https://localhost:${port}/photos/cat.jpg`
const ca = ['--ca', tls('ca.pem')] as const

/** nginx doing CORS for a store, as in many answers on the web. */
const handMade = (store: number, lines: string, preflight: string) =>
  nginx(
    (port) => `map $http_origin $cors { default ""; "${page}" $http_origin; }
  server {
    listen 127.0.0.1:${port};
    location / {
      if ($request_method = OPTIONS) { ${preflight} add_header Vary Origin always; return 204; }
      proxy_pass http://127.0.0.1:${store}; proxy_set_header Host $http_host;
      ${lines}
    }
  }`,
  )
const handMadePreflight = (methods: string, headers: string): string =>
  `add_header Access-Control-Allow-Origin $cors always; add_header Access-Control-Allow-Methods "${methods}"; add_header Access-Control-Allow-Headers "${headers}";`
const handMadeAnswer = 'add_header Access-Control-Allow-Origin $cors always; add_header Vary Origin always;'

/** MinIO's console: a page for GET, nothing for OPTIONS. */
const minioConsole = () =>
  server((request, response) => {
    response.setHeader('Server', 'MinIO Console')
    if (request.method !== 'GET')
      return response
        .writeHead(405, { 'Content-Type': 'application/json' })
        .end('{"code":405,"message":"method OPTIONS is not allowed"}')
    return response
      .writeHead(200, { 'Content-Type': 'text/html' })
      .end('<!doctype html><html><head><title>MinIO Console</title></head></html>')
  })

const repairedProxy = async ({ sidecar }: Bench): Promise<Asked> => at(await passing(sidecar), put)
const repairedRead = async ({ sidecar }: Bench): Promise<Asked> => at(await passing(sidecar))

export const setUps: readonly SetUp[] = [
  {
    name: 'nginx adds the header that the sidecar sends',
    code: 'allow-origin-doubled',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(await passing(sidecar, 'add_header Access-Control-Allow-Origin * always;')),
    repaired: repairedRead,
  },
  {
    name: 'Caddy adds the header that the sidecar sends',
    code: 'allow-origin-doubled',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(await caddy(`header Access-Control-Allow-Origin *\nreverse_proxy 127.0.0.1:${sidecar}`), put),
    repaired: async ({ sidecar }) => at(await caddy(`reverse_proxy 127.0.0.1:${sidecar}`), put),
  },
  {
    name: 'HAProxy adds the header that the sidecar sends',
    code: 'allow-origin-doubled',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(await haproxy(sidecar, '  http-response add-header Access-Control-Allow-Origin *'), put),
    repaired: async ({ sidecar }) => at(await haproxy(sidecar, ''), put),
  },
  {
    name: 'nginx add_header without always loses the headers on 404',
    code: 'headers-lost-on-error',
    hop: 'proxy',
    broken: async ({ store }) =>
      at(await handMade(store, handMadeAnswer.replaceAll(' always', ''), handMadePreflight('GET', ''))),
    repaired: async ({ store }) => at(await handMade(store, handMadeAnswer, handMadePreflight('GET', ''))),
  },
  {
    name: 'nginx replaces the errors of the sidecar by its own',
    code: 'headers-lost-on-error',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(
        await passing(
          sidecar,
          'proxy_intercept_errors on; error_page 404 = @sorry; } location @sorry { return 404;',
        ),
      ),
    repaired: repairedRead,
  },
  {
    name: 'nginx answers OPTIONS',
    code: 'preflight-answered-by-proxy',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(await passing(sidecar, 'if ($request_method = OPTIONS) { return 204; }'), put),
    repaired: repairedProxy,
  },
  {
    name: 'HAProxy answers OPTIONS',
    code: 'preflight-answered-by-proxy',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(await haproxy(sidecar, '  http-request return status 200 if METH_OPTIONS'), put),
    repaired: async ({ sidecar }) => at(await haproxy(sidecar, ''), put),
  },
  {
    name: 'HAProxy denies OPTIONS',
    code: 'preflight-answered-by-proxy',
    hop: 'proxy',
    broken: async ({ sidecar }) => at(await haproxy(sidecar, '  http-request deny if METH_OPTIONS'), put),
    repaired: async ({ sidecar }) => at(await haproxy(sidecar, ''), put),
  },
  {
    name: 'Caddy answers OPTIONS',
    code: 'preflight-answered-by-proxy',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(
        await caddy(`@options method OPTIONS\nrespond @options 204\nreverse_proxy 127.0.0.1:${sidecar}`),
        put,
      ),
    repaired: async ({ sidecar }) => at(await caddy(`reverse_proxy 127.0.0.1:${sidecar}`), put),
  },
  {
    name: 'nginx asks for a password before CORS',
    code: 'preflight-unauthorized',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(await passing(sidecar, 'auth_basic store; auth_basic_user_file /dev/null;'), put),
    repaired: repairedProxy,
  },
  {
    name: 'nginx replaces Host',
    code: 'host-changed',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(
        await serving(`location / { proxy_pass http://127.0.0.1:${sidecar}; client_max_body_size 0; }`),
        put,
      ),
    repaired: repairedProxy,
  },
  {
    name: 'nginx decodes and merges the path',
    code: 'path-changed',
    hop: 'proxy',
    broken: async ({ sidecar }) => at(await passing(sidecar, '', `http://127.0.0.1:${sidecar}/`), put),
    repaired: repairedProxy,
  },
  {
    name: 'Caddy takes a prefix away',
    code: 'path-changed',
    hop: 'proxy',
    broken: async ({ sidecar }) => {
      const port = await caddy(`handle_path /s3/* {\nreverse_proxy 127.0.0.1:${sidecar}\n}`)
      return { url: `http://localhost:${port}/s3/photos/cat.jpg`, args: put }
    },
    repaired: async ({ sidecar }) => at(await caddy(`reverse_proxy 127.0.0.1:${sidecar}`), put),
  },
  {
    name: 'nginx redirects the preflight to https',
    code: 'preflight-redirected',
    hop: 'proxy',
    broken: async () => at(await serving('return 301 https://s3.example.com$request_uri;'), put),
    repaired: repairedProxy,
  },
  {
    name: 'nginx redirects a plain GET to https',
    code: 'request-redirected',
    hop: 'proxy',
    broken: async () => at(await serving('return 308 https://s3.example.com$request_uri;')),
    repaired: repairedRead,
  },
  {
    name: 'nginx limits bodies to 1 MB',
    code: 'body-too-large',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(
        await serving(
          `location / { proxy_pass http://127.0.0.1:${sidecar}; proxy_set_header Host $http_host; }`,
        ),
        put,
      ),
    repaired: repairedProxy,
  },
  {
    name: 'HAProxy limits bodies',
    code: 'body-too-large',
    hop: 'proxy',
    broken: async ({ sidecar }) =>
      at(
        await haproxy(
          sidecar,
          '  http-request return status 413 if { req.hdr_val(content-length) gt 1048576 }',
        ),
        put,
      ),
    repaired: async ({ sidecar }) =>
      at(
        await haproxy(
          sidecar,
          '  http-request return status 413 if { req.hdr_val(content-length) gt 16777216 }',
        ),
        put,
      ),
  },
  {
    name: 'a cache of nginx ignores Vary and serves the answer for another page',
    code: 'allow-origin-other',
    hop: 'proxy',
    broken: async ({ sidecar }) => cached(await passing(sidecar, `${caching} proxy_ignore_headers Vary;`)),
    repaired: async ({ sidecar }) => cached(await passing(sidecar, caching)),
  },
  {
    name: 'nginx removes Vary',
    code: 'vary-missing',
    hop: 'proxy',
    broken: async ({ store }) =>
      at(
        await handMade(
          store,
          'add_header Access-Control-Allow-Origin $cors always;',
          handMadePreflight('GET', ''),
        ),
      ),
    repaired: async ({ store }) => at(await handMade(store, handMadeAnswer, handMadePreflight('GET', ''))),
  },
  {
    name: 'the URL leads to the console of MinIO',
    code: 'console-port',
    hop: 'proxy',
    broken: async () => at(await minioConsole(), put),
    repaired: async ({ sidecar }) => at(sidecar, put),
  },
  {
    name: 'nginx leads to the console of MinIO',
    code: 'console-port',
    hop: 'proxy',
    broken: async () => at(await passing(await minioConsole())),
    repaired: repairedRead,
  },
  {
    name: 'the store answers in place of the sidecar',
    code: 'preflight-answered-by-store',
    hop: 'store',
    broken: async ({ store }) => at(store, [...put, '--store', `http://localhost:${store}`]),
    repaired: async ({ sidecar, store }) => at(sidecar, [...put, '--store', `http://localhost:${store}`]),
  },
  {
    name: 'nginx sends * with credentials',
    code: 'wildcard-with-credentials',
    hop: 'proxy',
    broken: async ({ store }) =>
      at(
        await handMade(
          store,
          'add_header Access-Control-Allow-Origin * always; add_header Access-Control-Allow-Credentials true always;',
          '',
        ),
      ),
    repaired: async ({ store }) => at(await handMade(store, handMadeAnswer, handMadePreflight('GET', ''))),
  },
  {
    name: 'the page sends cookies to a bucket that is open to everybody',
    code: 'wildcard-with-credentials',
    hop: 'store',
    broken: async ({ sidecar }) => ({
      url: `http://localhost:${sidecar}/open/cat.jpg`,
      args: ['--credentials'],
    }),
    repaired: async ({ sidecar }) => at(sidecar, ['--credentials']),
  },
  {
    name: 'nginx sends every origin back with credentials',
    code: 'any-origin-with-credentials',
    hop: 'proxy',
    broken: async ({ store }) =>
      at(
        await handMade(
          store,
          handMadeAnswer,
          'add_header Access-Control-Allow-Origin $http_origin; add_header Access-Control-Allow-Credentials true;',
        ),
      ),
    repaired: async ({ store }) => at(await handMade(store, handMadeAnswer, handMadePreflight('GET', ''))),
  },
  {
    name: 'the rule exposes no header that the page reads',
    code: 'expose-headers-missing',
    hop: 'store',
    broken: async ({ sidecar }) => at(sidecar, ['--expose', 'x-amz-meta-author']),
    repaired: async ({ sidecar }) => at(sidecar, ['--expose', 'ETag', '--expose', 'content-type']),
  },
  {
    name: 'nginx allows fewer headers than the page sets',
    code: 'allow-headers-missing',
    hop: 'proxy',
    broken: async ({ store }) =>
      at(await handMade(store, handMadeAnswer, handMadePreflight('GET, PUT', 'content-type')), [
        '--header',
        'range,x-amz-date',
      ]),
    repaired: async ({ store }) =>
      at(await handMade(store, handMadeAnswer, handMadePreflight('GET, PUT', 'Range, X-Amz-Date')), [
        '--header',
        'range,x-amz-date',
      ]),
  },
  {
    name: 'nginx allows every header but authorization',
    code: 'allow-headers-missing',
    hop: 'proxy',
    broken: async ({ store }) =>
      at(await handMade(store, handMadeAnswer, handMadePreflight('GET', '*')), ['--header', 'authorization']),
    repaired: async ({ store }) =>
      at(await handMade(store, handMadeAnswer, handMadePreflight('GET', '*, authorization')), [
        '--header',
        'authorization',
      ]),
  },
  {
    name: 'nginx allows GET only',
    code: 'allow-methods-missing',
    hop: 'proxy',
    broken: async ({ store }) =>
      at(await handMade(store, handMadeAnswer, handMadePreflight('GET', '*')), ['--method', 'DELETE']),
    repaired: async ({ store }) =>
      at(await handMade(store, handMadeAnswer, handMadePreflight('GET, DELETE', '*')), [
        '--method',
        'DELETE',
      ]),
  },
  {
    name: 'the rule lacks a header',
    code: 'preflight-refused',
    hop: 'store',
    broken: async ({ sidecar }) => at(sidecar, [...put, '--header', 'x-upload-id']),
    repaired: async ({ sidecar }) => at(sidecar, put),
  },
  {
    name: 'the rule files refuse the page',
    code: 'rules-refuse',
    hop: 'sidecar',
    broken: async ({ sidecar, rules }) => ({
      ...at(sidecar, [...put, '--rules', rules]),
      origin: 'http://localhost:4000',
    }),
    repaired: async ({ sidecar, rules }) => at(sidecar, [...put, '--rules', rules]),
  },
  {
    name: 'nginx replaces what the rules say',
    code: 'rules-differ',
    hop: 'proxy',
    broken: async ({ sidecar, rules }) =>
      at(await passing(sidecar, 'proxy_hide_header Access-Control-Expose-Headers;'), ['--rules', rules]),
    repaired: async ({ sidecar, rules }) => at(await passing(sidecar), ['--rules', rules]),
  },
  {
    name: 'the certificate is for another name',
    code: 'certificate-name',
    hop: 'proxy',
    broken: async ({ sidecar }) => ({ url: httpsObject(await secured(sidecar, 'elsewhere')), args: ca }),
    repaired: async ({ sidecar }) => ({ url: httpsObject(await secured(sidecar, 'localhost')), args: ca }),
  },
  {
    name: 'the certificate is from an authority that no browser knows',
    code: 'certificate-untrusted',
    hop: 'proxy',
    broken: async ({ sidecar }) => ({ url: httpsObject(await secured(sidecar, 'localhost')) }),
    repaired: async ({ sidecar }) => ({ url: httpsObject(await secured(sidecar, 'localhost')), args: ca }),
  },
  {
    name: 'https is asked of an http port',
    code: 'tls-failed',
    hop: 'proxy',
    broken: async ({ sidecar }) => ({ url: httpsObject(sidecar) }),
    repaired: async ({ sidecar }) => at(sidecar),
  },
  {
    name: 'the name does not resolve',
    code: 'name-not-found',
    hop: 'page',
    broken: async ({ sidecar }) => ({ url: object(sidecar, 'no-such-host.invalid') }),
    repaired: async ({ sidecar }) => at(sidecar),
  },
  {
    name: 'no server listens on the port',
    code: 'connection-refused',
    hop: 'proxy',
    broken: async () => at(await freePort()),
    repaired: async ({ sidecar }) => at(sidecar),
  },
  {
    name: 'a page of https asks http',
    code: 'mixed-content',
    hop: 'page',
    broken: async ({ sidecar }) => ({
      url: object(sidecar, 'store.test'),
      args: ['--connect-to', `127.0.0.1:${sidecar}`],
      origin: securePage,
    }),
    repaired: async ({ sidecar }) => ({
      url: httpsObject(await secured(sidecar, 'localhost')),
      args: ca,
      origin: securePage,
    }),
  },
  {
    name: 'a public page asks a local address',
    code: 'local-network',
    hop: 'page',
    broken: async ({ sidecar }) => ({ ...at(sidecar), origin: publicPage }),
    repaired: async ({ sidecar }) => at(sidecar),
  },
  {
    name: 'nginx cannot reach the store',
    code: 'store-error',
    hop: 'proxy',
    broken: async () => at(await passing(await freePort())),
    repaired: repairedRead,
  },
  {
    name: 'the store does not answer',
    code: 'store-unreachable',
    hop: 'store',
    broken: async ({ sidecar }) => at(sidecar, ['--store', `http://localhost:${await freePort()}`]),
    repaired: async ({ sidecar, store }) => at(sidecar, ['--store', `http://localhost:${store}`]),
  },
  {
    name: 'the page sets a response header',
    code: 'header-not-sendable',
    hop: 'page',
    broken: async ({ sidecar }) => at(sidecar, [...put, '--header', 'access-control-allow-origin']),
    repaired: async ({ sidecar }) => at(sidecar, put),
  },
]

const caching =
  'proxy_cache answers; proxy_cache_valid 200 1m; add_header X-Cache $upstream_cache_status always;'

/** After another page has requested it. */
async function cached(port: number): Promise<Asked> {
  await fetch(object(port, '127.0.0.1'), { headers: { Origin: otherPage, Host: `localhost:${port}` } }).then(
    (response) => response.text(),
  )
  return { url: object(port, '127.0.0.1') }
}
