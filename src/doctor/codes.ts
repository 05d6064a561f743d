/** Where a problem has to be fixed. */
const hops = ['page', 'proxy', 'sidecar', 'store'] as const
export type Hop = (typeof hops)[number]

export const hopNames: Readonly<Record<Hop, string>> = {
  page: 'page',
  proxy: 'proxy in front',
  sidecar: 'sidecar',
  store: 'store',
}

interface ProblemText {
  /** What it means, for `doctor --explain`. */
  readonly meaning: string
  /** What to do. */
  readonly remedy: string
}

const text = (meaning: string, remedy: string): ProblemText => ({ meaning, remedy })

/** Every problem that `doctor` can report. Codes are stable: scripts compare them. */
export const problemTexts = {
  // Before the network
  'mixed-content': text(
    'A page that was loaded by https may not send requests to http (W3C Mixed Content). The browser blocks them before the network, so no server logs them.',
    'Serve the endpoint by https, and write https:// in the page.',
  ),
  'local-network': text(
    'The endpoint has a loopback or private address and the page comes from a public one. Chromium asks the visitor for permission to reach the local network, blocks the request without it ("Permission was denied for this request to access the `local` address space"), and sends no preflight, so no server logs it (https://wicg.github.io/local-network-access/).',
    'Give the endpoint a public address, or serve the page from the same local network. Response headers do not help.',
  ),
  'header-not-sendable': text(
    'The page sets a header that browsers do not let pages set (Fetch, "forbidden request-header"), or a response header such as Access-Control-Allow-Origin. The first kind is dropped; the second kind makes the preflight ask for a name that no rule should allow.',
    'Remove the header from the request in the page.',
  ),
  // Connection
  'name-not-found': text(
    'The host name of the URL does not resolve. The browser says ERR_NAME_NOT_RESOLVED or "Failed to fetch".',
    'Correct the host name in the page, or create its DNS record.',
  ),
  'connection-refused': text(
    'The host is there, but no server listens on the port.',
    'Start the server, or correct the port in the URL.',
  ),
  'connection-timeout': text(
    'No answer came in time. Firewalls and security groups that drop packets look like this.',
    'Check that the port is open between the page and the endpoint, and that the server is not overloaded.',
  ),
  'connection-reset': text(
    'The connection was closed before a complete answer came.',
    'Read the log of the server at that time: it crashed, or refused the request without an answer.',
  ),
  'not-http': text(
    'The answer is not valid HTTP. An https port that is asked by http, or the port of another protocol, looks like this.',
    'Correct scheme and port of the URL.',
  ),
  'certificate-name': text(
    'The certificate is for other names than the host of the URL. The browser blocks the request and says ERR_CERT_COMMON_NAME_INVALID.',
    'Install a certificate that names this host, or use a name that the certificate has. A wildcard covers one label only: *.example.com does not cover a.b.example.com.',
  ),
  'certificate-expired': text(
    'The certificate is past its last day or before its first one. The browser says ERR_CERT_DATE_INVALID.',
    'Renew the certificate, and check the clock of the server.',
  ),
  'certificate-untrusted': text(
    'The certificate does not lead to a certificate authority that this machine trusts. It is self-signed, from a private authority, or the server does not send the intermediate certificate.',
    'Send the whole chain, use a public authority, or install the private one in the browsers. Doctor takes it by --ca FILE.',
  ),
  'tls-failed': text(
    'No TLS connection came about. An http port that is asked by https looks like this.',
    'Correct scheme and port of the URL, or the TLS versions of the server.',
  ),
  // Preflight
  'preflight-redirected': text(
    'The preflight was answered by a redirect. Browsers do not follow it: "Redirect is not allowed for a preflight request" (Fetch, CORS-preflight fetch).',
    'Write the final URL in the page: https where http is redirected, the final host, with or without the slash at the end. Or exempt OPTIONS from the redirect.',
  ),
  'console-port': text(
    'The MinIO console answered, which is a web page for people. The S3 API listens on another port (9000 by default, the console on 9001).',
    'Use the port of the S3 API, or the port of the sidecar, in the URL or in the rule of the proxy.',
  ),
  'preflight-answered-by-proxy': text(
    'A proxy, ingress, load balancer or CDN answered OPTIONS itself, so that neither the sidecar nor the store saw the preflight.',
    'Remove the CORS settings and the rules for OPTIONS from the proxy (nginx: `if ($request_method = OPTIONS)`, ingress-nginx: `enable-cors`, HAProxy: `http-request return`), so that it passes OPTIONS on.',
  ),
  'preflight-answered-by-store': text(
    'The store answered the preflight itself, so that the request went past the sidecar.',
    'Point the proxy or the Service at the data port of the sidecar. Let nothing but the sidecar reach the port of the store.',
  ),
  'preflight-unauthorized': text(
    'The preflight was answered with 401. Browsers never send credentials with a preflight, so authentication must let OPTIONS pass.',
    'Exempt OPTIONS from authentication in the hop that answered.',
  ),
  'preflight-refused': text(
    'The CORS rules do not allow this origin, method or header, or the bucket has no rules.',
    'Run `cors-sidecar explain` with the same origin, method and headers: it names the closest rule and the change that would allow the request.',
  ),
  'preflight-status': text(
    'The preflight has CORS headers, but not a status from 200 to 299: "Response to preflight request doesn\'t pass access control check: It does not have HTTP ok status".',
    'Answer OPTIONS with 200 or 204 in the hop that answered.',
  ),
  'allow-methods-missing': text(
    'Access-Control-Allow-Methods does not name the method of the request. Method names are compared letter by letter.',
    'Add the method to allowedMethods of the rule, or to the hop that sends this header.',
  ),
  'allow-headers-missing': text(
    'Access-Control-Allow-Headers does not name all headers that the page sets. `*` does not cover Authorization, and covers nothing when the page sends credentials (Fetch, "CORS non-wildcard request-header name").',
    'Add the names to allowedHeaders of the rule, or to the hop that sends this header.',
  ),
  // Any answer
  'allow-origin-missing': text(
    'The answer has no Access-Control-Allow-Origin. The browser says "No \'Access-Control-Allow-Origin\' header is present on the requested resource".',
    'Add the origin to allowedOrigins of a rule of the bucket. Where a rule names it already, the proxy in front removes the header or another server answered.',
  ),
  'allow-origin-doubled': text(
    'Access-Control-Allow-Origin came twice, or with two values. The browser says "contains multiple values, but only one is allowed". Most proxies add the header without looking whether it is there (nginx `add_header`, Caddy `header`, HAProxy `add-header`).',
    'Remove the CORS headers from the proxy in front; the sidecar sends them, and removes those of the store. Where there is no sidecar, remove them from one of the two hops.',
  ),
  'allow-origin-other': text(
    'Access-Control-Allow-Origin names another origin than the one that asked. Either a cache served the answer for another page, or a fixed value is configured.',
    'Send Vary: Origin with every answer, and empty the cache. Where a proxy sends a fixed value, remove it there.',
  ),
  'wildcard-with-credentials': text(
    'Access-Control-Allow-Origin is `*`, and credentials are in play: either the page sends them, or the answer also has Access-Control-Allow-Credentials: true. Browsers refuse that combination (Fetch, CORS check).',
    'Name the origins in the rule instead of `*`, or leave credentials out in the page and in the answer.',
  ),
  'allow-credentials-missing': text(
    'The page sends credentials, and the answer has no Access-Control-Allow-Credentials: true.',
    'Name the origin in the rule, without `*`; or leave out `credentials: "include"` (`withCredentials`) in the page: signed URLs need none.',
  ),
  'any-origin-with-credentials': text(
    'An origin that no rule can name was allowed with credentials. Every web site can then act with the permissions of its visitors.',
    'Name the allowed origins. MinIO: set cors_allow_origin; a proxy: compare $http_origin with a list before sending it back.',
  ),
  'vary-missing': text(
    'The answer depends on Origin and does not say so in Vary. A cache, that of the browser too, may serve it to another page, or to this page after an <img> loaded it without CORS.',
    'Send Vary: Origin with every answer for this path, also where the request has no Origin. A proxy must not remove it.',
  ),
  'expose-headers-missing': text(
    'Access-Control-Expose-Headers does not name a response header that the page reads, so the page sees null. Multipart uploads need ETag.',
    'Add the names to exposeHeaders of the rule, or to the hop that sends this header.',
  ),
  'headers-lost-on-error': text(
    'A successful answer has CORS headers, an error does not, so the browser reports every error of this endpoint as a CORS error. nginx `add_header` without `always` does this, and errors that a proxy makes itself.',
    'nginx: `add_header … always`; better, remove CORS from the proxy and let the errors of the sidecar pass (no `proxy_intercept_errors`).',
  ),
  'body-too-large': text(
    'The upload was refused with 413 because a hop limits request bodies (nginx: client_max_body_size, 1 MB by default). Its answer usually has no CORS headers, so the browser reports a CORS error.',
    'Raise the limit in the hop that answered (nginx: `client_max_body_size 0;`, ingress-nginx: `proxy-body-size: "0"`, Caddy: `request_body max_size`).',
  ),
  'request-redirected': text(
    'The request itself was answered by a redirect. A signature does not survive it, and behind a redirect to another host the page has the origin "null".',
    'Write the final URL in the page.',
  ),
  // On the way
  'signature-mismatch': text(
    'The store computes another signature than the client: Host, path or a signed header differs from what was signed, or the secret is wrong.',
    'Pass Host, path and query on unchanged (nginx: `proxy_set_header Host $http_host;` and `proxy_pass` without a path), and sign for the host that the page uses.',
  ),
  'host-changed': text(
    'A hop replaced the Host header. Signatures cover Host, and with virtual-hosted buckets it names the bucket.',
    'Pass it on unchanged (nginx: `proxy_set_header Host $http_host;`, Apache: `ProxyPreserveHost On`, Caddy 2 does so by itself).',
  ),
  'path-changed': text(
    'A hop rewrote the path: it decoded escapes, merged slashes, or added or removed a prefix. Signatures cover the path, and object names contain such characters.',
    'Pass the path on unchanged (nginx: no path after the host in `proxy_pass`, no rewrite; Caddy: no `uri strip_prefix`; a CDN: no path normalization). Use a host of its own instead of a prefix.',
  ),
  'store-error': text(
    'The answer is 500 to 599: the store failed, or the hop before it cannot reach it.',
    'Check that the store runs, and the address and the timeouts in the hop that answered.',
  ),
  'store-unreachable': text(
    'The store itself, asked directly, did not answer.',
    'Start the store, or correct --store.',
  ),
  // Rules
  'rules-refuse': text(
    'The rule files given by --rules refuse this request.',
    'Run `cors-sidecar explain` with the same --rules, origin, method and headers: it shows the change that would allow the request.',
  ),
  'rules-differ': text(
    'The answer has other CORS headers than the rule files given by --rules ask for. The sidecar has not loaded them, another server answered, or a hop changed the headers.',
    'Compare with `cors-sidecar explain --response`, look in the console of the sidecar for the loaded files, and ask the sidecar itself by --url.',
  ),
} as const satisfies Readonly<Record<string, ProblemText>>

export type ProblemCode = keyof typeof problemTexts

export const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(problemTexts, code)

export interface Problem {
  readonly code: ProblemCode
  readonly hop: Hop
  /** What was seen, in one sentence. */
  readonly evidence: string
  readonly remedy: string
}

export const problem = (code: ProblemCode, hop: Hop, evidence: string): Problem => ({
  code,
  hop,
  evidence,
  remedy: problemTexts[code].remedy,
})
