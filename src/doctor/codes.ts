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
  /** What the problem means, for `doctor --explain`. */
  readonly meaning: string
  readonly remedy: string
}

const text = (meaning: string, remedy: string): ProblemText => ({ meaning, remedy })

/** Every problem that `doctor` can report. The codes are stable API. */
export const problemTexts = {
  // Before the network
  'mixed-content': text(
    'A page that was loaded over https may not send requests to http (W3C Mixed Content). The browser blocks such requests before it sends them, so no server logs them.',
    'Serve the endpoint over https, and write https:// in the page.',
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
    'The host exists, but no server listens on the port.',
    'Start the server, or correct the port in the URL.',
  ),
  'connection-timeout': text(
    'No response came in time. Firewalls and security groups that drop packets cause this.',
    'Check that the port is open between the page and the endpoint, and that the server is not overloaded.',
  ),
  'connection-reset': text(
    'The connection was closed before the response was complete.',
    "Read the server's log for that time: it crashed, or closed the connection early.",
  ),
  'not-http': text(
    'The response is not valid HTTP. This happens when http is sent to an https port, or to the port of another protocol.',
    'Correct the scheme and port of the URL.',
  ),
  'certificate-name': text(
    'The certificate does not cover the host of the URL. The browser blocks the request and says ERR_CERT_COMMON_NAME_INVALID.',
    'Install a certificate that names this host, or use a name that the certificate has. A wildcard covers one label only: *.example.com does not cover a.b.example.com.',
  ),
  'certificate-expired': text(
    'The certificate has expired or is not valid yet. The browser says ERR_CERT_DATE_INVALID.',
    "Renew the certificate, and check the server's clock.",
  ),
  'certificate-untrusted': text(
    'The certificate was not issued by an authority that this machine trusts. It is self-signed, or from a private authority, or the server does not send the intermediate certificate.',
    'Send the whole chain, use a public authority, or install the private one in the browsers. With --ca FILE, doctor trusts it too.',
  ),
  'tls-failed': text(
    'The TLS handshake failed. This happens when https is sent to an http port.',
    "Correct the scheme and port of the URL, or the server's TLS versions.",
  ),
  // Preflight
  'preflight-redirected': text(
    'The preflight was answered with a redirect. Browsers do not follow it: "Redirect is not allowed for a preflight request" (Fetch, CORS-preflight fetch).',
    'Use the final URL in the page: https if http is redirected, the final host, with or without the trailing slash. Or exempt OPTIONS from the redirect.',
  ),
  'console-port': text(
    'The MinIO console, a web interface for people, answered. The S3 API listens on another port (9000 by default; the console uses 9001).',
    'Use the port of the S3 API, or the port of the sidecar, in the URL or in the rule of the proxy.',
  ),
  'preflight-answered-by-proxy': text(
    'A proxy, ingress, load balancer or CDN answered OPTIONS itself, so neither the sidecar nor the store saw the preflight.',
    'Remove the CORS settings and the rules for OPTIONS from the proxy (nginx: `if ($request_method = OPTIONS)`, ingress-nginx: `enable-cors`, HAProxy: `http-request return`), so that it passes OPTIONS on.',
  ),
  'preflight-answered-by-store': text(
    'The store answered the preflight itself, so the request bypassed the sidecar.',
    "Point the proxy or the Service at the data port of the sidecar. Let only the sidecar reach the store's port.",
  ),
  'preflight-unauthorized': text(
    'The preflight was answered with 401. Browsers never send credentials with a preflight, so authentication must let OPTIONS pass.',
    'Exempt OPTIONS from authentication at the hop that answered.',
  ),
  'preflight-refused': text(
    'The CORS rules do not allow this origin, method or header, or the bucket has no rules.',
    'Run `cors-sidecar explain` with the same origin, method and headers: it names the closest rule and the change that would allow the request.',
  ),
  'preflight-status': text(
    'The preflight response has CORS headers, but its status is not 200 to 299: "Response to preflight request doesn\'t pass access control check: It does not have HTTP ok status".',
    'Make the hop that answered respond to OPTIONS with 200 or 204.',
  ),
  'allow-methods-missing': text(
    'Access-Control-Allow-Methods does not name the method of the request. Method names are case-sensitive.',
    'Add the method to allowedMethods of the rule. If another hop sends this header, add the method there.',
  ),
  'allow-headers-missing': text(
    'Access-Control-Allow-Headers does not name all headers that the page sets. `*` does not cover Authorization, and covers nothing when the page sends credentials (Fetch, "CORS non-wildcard request-header name").',
    'Add the names to allowedHeaders of the rule. If another hop sends this header, add the names there.',
  ),
  // Any response
  'allow-origin-missing': text(
    'The response has no Access-Control-Allow-Origin. The browser says "No \'Access-Control-Allow-Origin\' header is present on the requested resource".',
    'Add the origin to allowedOrigins of a rule of the bucket. If a rule already names it, a proxy in front removes the header, or another server answered.',
  ),
  'allow-origin-doubled': text(
    'The response has Access-Control-Allow-Origin twice, or with two values. The browser says "contains multiple values, but only one is allowed". Most proxies add the header without checking whether it is already there (nginx `add_header`, Caddy `header`, HAProxy `add-header`).',
    "Remove the CORS headers from the proxy in front; the sidecar sends them and removes the store's. Without a sidecar, remove them from one of the two hops.",
  ),
  'allow-origin-other': text(
    "Access-Control-Allow-Origin names an origin other than the page's. Either a cache served a response that it had stored for another page, or a hop sends a fixed value.",
    'Send Vary: Origin with every response, and purge the cache. If a proxy sends a fixed value, remove it there.',
  ),
  'wildcard-with-credentials': text(
    'Access-Control-Allow-Origin is `*`, and credentials are involved: the page sends them, or the response also has Access-Control-Allow-Credentials: true. Browsers refuse that combination (Fetch, CORS check).',
    'Name the origins in the rule instead of `*`, or remove credentials from the page and from the response.',
  ),
  'allow-credentials-missing': text(
    'The page sends credentials, but the response has no Access-Control-Allow-Credentials: true.',
    'Name the origin in the rule, without `*`, and in dialect http also set allowCredentials: true (dialect oss never sends this header). Or remove `credentials: "include"` (`withCredentials`) from the page: signed URLs do not need it.',
  ),
  'any-origin-with-credentials': text(
    'An arbitrary origin was allowed with credentials. Any page can then act with the permissions of its visitors.',
    'Name the allowed origins. MinIO: list them in MINIO_API_CORS_ALLOW_ORIGIN, because by default MinIO allows every origin. A proxy: compare $http_origin with a list before sending it back.',
  ),
  'vary-missing': text(
    "The response depends on Origin but does not say so in Vary. A cache, including the browser's, may serve it to another page, or to this page after an `<img>` loaded it without CORS.",
    'Send Vary: Origin with every response for this path, including responses to requests without Origin. A proxy must not remove it.',
  ),
  'expose-headers-missing': text(
    'Access-Control-Expose-Headers does not name a response header that the page reads, so the page sees null. Multipart uploads need ETag.',
    'Add the names to exposeHeaders of the rule. If another hop sends this header, add the names there.',
  ),
  'headers-lost-on-error': text(
    'Successful responses have CORS headers but errors do not, so the browser reports every error of this endpoint as a CORS error. Causes: nginx `add_header` without `always`, and errors that a proxy sends itself.',
    "nginx: `add_header … always`. Better: remove CORS from the proxy and pass the sidecar's errors on (no `proxy_intercept_errors`).",
  ),
  'body-too-large': text(
    'The upload was refused with 413 because a hop limits request bodies (nginx: client_max_body_size, 1 MB by default). Its response usually has no CORS headers, so the browser reports a CORS error.',
    'Raise the limit at the hop that answered (nginx: `client_max_body_size 0;`, ingress-nginx: `proxy-body-size: "0"`, Caddy: `request_body max_size`).',
  ),
  'request-redirected': text(
    'The request itself was answered with a redirect. The signature is not valid for another host or path, and after a redirect to another host the origin is "null".',
    'Use the final URL in the page.',
  ),
  // On the way
  'signature-mismatch': text(
    "The store calculates a different signature from the client's: Host, path or a signed header differs from what was signed, or the secret is wrong.",
    'Pass Host, path and query unchanged (nginx: `proxy_set_header Host $http_host;` and `proxy_pass` without a path), and sign for the host that the page uses.',
  ),
  'host-changed': text(
    'A hop replaced the Host header. Signatures cover Host, and with virtual-hosted buckets it names the bucket.',
    'Pass Host unchanged (nginx: `proxy_set_header Host $http_host;`, Apache: `ProxyPreserveHost On`, Caddy 2 does so by default).',
  ),
  'path-changed': text(
    'A hop rewrote the path: it decoded escapes, merged slashes, or added or removed a prefix. Signatures cover the path, and object names may contain escaped characters and repeated slashes.',
    'Pass the path unchanged (nginx: no path after the host in `proxy_pass`, no rewrite; Caddy: no `uri strip_prefix`; a CDN: no path normalization). Use a separate host instead of a prefix.',
  ),
  'store-error': text(
    'The status is 500 to 599: the store failed, or a hop in front of it failed or cannot reach the next one.',
    'Check that the store and every hop in front of it are running, and check the address and the timeouts at the hop that answered.',
  ),
  'store-unreachable': text(
    'The store did not respond to a direct request.',
    'Start the store, or correct --store.',
  ),
  // Rules
  'rules-refuse': text(
    'The rule files given by --rules refuse this request.',
    'Run `cors-sidecar explain` with the same --rules, origin, method and headers: it shows the change that would allow the request.',
  ),
  'rules-differ': text(
    'The CORS headers differ from what the rule files given by --rules require. The sidecar has not loaded these rule files, another server answered, or a hop changed the headers.',
    "Compare with `cors-sidecar explain --response`, check the loaded files in the sidecar's console, and run doctor with the sidecar's own address as --url.",
  ),
} as const satisfies Readonly<Record<string, ProblemText>>

export type ProblemCode = keyof typeof problemTexts

export const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(problemTexts, code)

export interface Problem {
  readonly code: ProblemCode
  readonly hop: Hop
  /** What was observed, in one sentence. */
  readonly evidence: string
  readonly remedy: string
}

export const problem = (code: ProblemCode, hop: Hop, evidence: string): Problem => ({
  code,
  hop,
  evidence,
  remedy: problemTexts[code].remedy,
})
