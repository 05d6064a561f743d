/** A test by file and title. */
type Named = readonly [file: string, title: string]

/**
 * The promises of SECURITY.md, by the start of each statement, with the tests that would fail if it were broken.
 */
export const promises: Readonly<Record<string, readonly Named[]>> = {
  'The store receives what the client sent, once:': [
    ['test/proxy/transparency.test.ts', '%s reaches the store byte for byte'],
    ['test/proxy/framing.test.ts', 'a body that looks like a request is never read as one'],
    ['test/proxy/aborts.test.ts', 'a malformed chunk is answered with 400'],
    ['test/proxy/retry.test.ts', 'a request is resent at most once'],
    ['test/serve/raw-rows.spec.ts', 'the program with rules holds '],
    [
      'test/stores/stores.spec.ts',
      'no object is served under the rules of another bucket, and every answer equals the store’s',
    ],
  ],
  'A truncated answer never looks complete.': [
    ['test/serve/dead-store.test.ts', 'never looks complete to a client'],
    ['test/proxy/aborts.test.ts', 'an answer to %s without a length that ends with a reset'],
  ],
  'Over TLS this includes answers without a length': [
    ['test/proxy/closure.test.ts', 'to %s that ends with a FIN but no closure alert is truncated'],
    ['test/proxy/closure.test.ts', 'to %s that ends with a closure alert is complete'],
  ],
  '`--forwarded-for replace` gives': [
    [
      'test/proxy/peer.test.ts',
      '%s on a connection that is reset before it is accepted never reaches the store, with ',
    ],
  ],
  'With `append`, addresses': [
    ['test/serve/start.test.ts', '--forwarded-for %s: %i warnings that X-Forwarded-For cannot be trusted'],
  ],
  '| names in `Connection` |': [['test/http.test.ts', '%i names in Connection: defect %s']],
  '| memory of clients |': [
    [
      'test/proxy/memory-budget.test.ts',
      'fit into the memory limit beside the idle process and uncollected garbage',
    ],
    [
      'test/proxy/memory-budget.test.ts',
      'the reader that has read nothing for longest is disconnected first, and its request to the store ends',
    ],
  ],
  '| connections to the store |': [
    [
      'test/proxy/addresses.test.ts',
      'a connection that has served %s for its maximum age is replaced by a new one',
    ],
  ],
  'The sidecar answers them with 400 `InvalidURI`': [
    [
      'test/transparency/sdk.spec.ts',
      'a name with a dot segment is refused by the sidecar, in a way that the SDK can read',
    ],
  ],
  'Trailers of an upload are forwarded;': [
    [
      'test/proxy/upload-trailers.test.ts',
      'a trailer that the store could take for a header is refused, and the upload is not completed: %s',
    ],
  ],
  'CORS headers are sent only to origins': [
    ['test/vectors.test.ts', '$id: $note'],
    [
      'test/serve/dead-store.test.ts',
      'a request without Origin, or from an origin that the rules do not allow, gets no CORS headers',
    ],
    ['test/browser/dialects.test.ts', 'a refused %s is blocked, and nothing reaches the store'],
  ],
  "The store's own CORS headers are removed.": [
    ['test/http.test.ts', 'removes every Access-Control line in any case, keeps order, case and repeats'],
    [
      'test/proxy/transparency.test.ts',
      'loses the CORS headers of the store, gets those of the rules once, and Vary is merged',
    ],
  ],
  'Only authorised callers can change rules,': [
    ['test/bucket-cors/write.test.ts', 'a caller who is not verified changes nothing and learns nothing'],
    ['test/bucket-cors/crash.spec.ts', 'killed '],
    ['test/plan/snapshot.test.ts', 'keeps the last good rules of a file with an error until it is fixed'],
  ],
  'No client, store or file can end the process': [
    [
      'test/serve/hostile-clients.test.ts',
      'idle connections are closed for health checks, new requests and connections to the store',
    ],
    [
      'test/admin/bounds.test.ts',
      'closes a connection with too many pipelined requests after at most one exposition',
    ],
    ['test/rules/watch.test.ts', 'a folder in the rules directory, and a link to one, are not watched'],
    ['test/rule-file/read-fuzz.test.ts', 'the largest files that are made to slow down a parser'],
  ],
  '| clients, from anywhere': [
    ['test/serve/raw-rows.spec.ts', 'the program with rules holds '],
    ['test/proxy/listen.test.ts', 'a head that is never completed: 408'],
  ],
  '| holders of an access key': [
    [
      'test/bucket-cors/running.test.ts',
      'a key can write only the buckets that it names, and the store receives no request',
    ],
    ['test/bucket-cors/write.test.ts', 'a key that names other buckets is refused'],
    [
      'test/bucket-cors/write.test.ts',
      'a file with %s is not rewritten, and not deleted, unless that is asked for',
    ],
    ['test/bucket-cors/write.test.ts', '%s writes no file'],
  ],
  '| those who can write to the rules directory': [
    ['test/rule-file/read-fuzz.test.ts', 'random bytes'],
    ['test/rules/watch.test.ts', 'a folder in the rules directory, and a link to one, are not watched'],
    ['test/rules/watch.test.ts', 'a change of a file elsewhere that a link leads to'],
  ],
  '| the store |': [
    ['test/http.test.ts', 'removes every Access-Control line in any case, keeps order, case and repeats'],
    ['test/proxy/framing.test.ts', 'with %s is not trusted'],
    [
      'test/proxy/framing.test.ts',
      'bytes after a whole response are not passed on, and the connection is not used again',
    ],
  ],
  '| callers whose signed `GET ?cors`': [
    [
      'test/bucket-cors/read.test.ts',
      'if the store accepts the same request with %s, the caller gets the rules',
    ],
    [
      'test/bucket-cors/read.test.ts',
      'an unsigned request is refused here, because the store may allow anonymous reads',
    ],
    ['test/bucket-cors/read.test.ts', 'PUT and DELETE are refused'],
  ],
  '| Prometheus, the kubelet, everyone': [
    [
      'test/admin/access.test.ts',
      'a local caller needs the token too, because a plain proxy on this machine makes every caller look local',
    ],
    [
      'test/metrics/metrics.test.ts',
      '100,000 requests of random buckets, methods, origins and paths add no series',
    ],
  ],
  '| users of the console': [['test/admin/admin.test.ts', 'of %s to %s is 405 with the allowed methods']],
  '| pages open in a browser': [['test/admin/access.test.ts', '%s is refused']],
  'A Host that matches a bucket only after': [
    ['test/plan/address.test.ts', 'a Host that names a bucket only after it is normalised is refused'],
  ],
  'A name that differs from a bucket with a rule file': [
    ['test/plan/other-bucket.test.ts', '%s gets neither _default nor the CORS headers of the store'],
    ['test/plan/other-bucket.test.ts', '%s %s: a name close to a configured one gets nothing'],
  ],
  '`check` reminds you of this.': [
    ['test/rule-file/lint/lint.test.ts', 'a host gets a finding that the store must map it'],
  ],
  'If Host names one bucket and the path': [
    ['test/plan/other-bucket.test.ts', '%s %s: gets what both buckets allow'],
  ],
  '`npm run test:stores` compares': [
    [
      'test/stores/stores.spec.ts',
      'no object is served under the rules of another bucket, and every answer equals the store’s',
    ],
  ],
  'A request that matches no rule is still served': [
    [
      'test/plan/explain-request.test.ts',
      'says that an actual request which no rule matches is served all the same',
    ],
  ],
  'They are forwarded unchanged.': [
    ['test/proxy/transparency.test.ts', 'of an upload keep case, order and repeats, and nothing is added'],
  ],
  "If the store's URL is `https://`": [
    ['test/proxy/store-connection.test.ts', 'refuses a certificate %s'],
    ['test/proxy/store-connection.test.ts', 'follows the name of the store, %s, never the Host of a client'],
  ],
  '`check` warns of patterns': [
    ['test/rule-file/lint/lint.test.ts', 'writing for everybody is a warning, reading is not'],
  ],
  '`Access-Control-Allow-Credentials` is never sent': [
    ['test/browser/dialects.test.ts', 'credentials: never with a rule for any origin'],
  ],
  'Load is bounded for each connection': [
    ['test/proxy/listen.test.ts', 'are bounded in number'],
    [
      'test/serve/hostile-clients.test.ts',
      'requests sent ahead of an answer that does not come are bounded by their bytes',
    ],
  ],
  '| request line and header lines': [['test/serve/raw-rows.spec.ts', 'the program with rules holds ']],
  '| time for a request': [['test/proxy/listen.test.ts', 'a head that is never completed: 408']],
  '| a connection without a request': [
    ['test/proxy/idle.test.ts', 'a connection that stays silent after a request is closed'],
  ],
  '| connections of clients': [
    [
      'test/serve/hostile-clients.test.ts',
      'idle connections are closed for health checks, new requests and connections to the store',
    ],
  ],
  '| pipelined requests': [
    ['test/proxy/listen.test.ts', 'are bounded in number'],
    [
      'test/serve/hostile-clients.test.ts',
      'requests sent ahead of an answer that does not come are bounded by their bytes',
    ],
  ],
  '| time until the store is connected': [
    ['test/proxy/store-connection.test.ts', 'because it never completes the connection'],
  ],
  '| time until the store answers': [
    ['test/proxy/aborts.test.ts', 'a store that does not answer %s in time is reported as such'],
  ],
  '| no byte in either direction': [
    ['test/proxy/flow.test.ts', 'ends an answer that the store does not continue'],
    ['test/proxy/flow.test.ts', 'ends an upload that the client does not continue'],
    [
      'test/serve/hostile-clients.test.ts',
      'a reader that reads nothing is cut off, even if it keeps sending',
    ],
  ],
  '| size and duration of a body': [
    ['test/proxy/flow.test.ts', 'never cuts a slow reader that still takes bytes'],
    ['test/proxy/flow.test.ts', 'a store is not read further than some buffers ahead of the client'],
    ['test/proxy/flow.test.ts', 'a client is not read further than some buffers ahead of the store'],
  ],
  '| header lines of the store': [
    ['test/proxy/store-connection.test.ts', '63 KiB of header lines are fine'],
    ['test/proxy/store-connection.test.ts', 'more than 64 KiB of header lines'],
  ],
  '| rest of an upload': [
    [
      'test/proxy/listen.test.ts',
      'to an upload ends the connection, and is read even by a client that sends everything first',
    ],
  ],
  '| `Origin`': [['test/cors/decide.test.ts', '%j is %s']],
  '| `Access-Control-Request-Headers`': [['test/cors/request.test.ts', '%s over the whole length are read']],
  '| cached decisions': [['test/plan/judge.test.ts', 'does not keep %s']],
  '| body of `PUT ?cors`': [
    ['test/bucket-cors/body.test.ts', 'the sidecar sends no 100 (Continue) for a body that %s'],
    [
      'test/bucket-cors/body.test.ts',
      'a body that does not arrive in time gets an error and changes nothing',
    ],
  ],
  '| signature |': [
    ['test/auth/verify.test.ts', 'an Authorization beyond the bound is malformed'],
    ['test/auth/verify.test.ts', '%i seconds off: %s'],
    ['test/auth/verify.test.ts', '%s is refused, because signed chunks and trailers are not checked'],
  ],
  '| file of access keys': [
    ['test/bucket-cors/credentials.test.ts', 'more keys than the bound are an error'],
    ['test/bucket-cors/credentials.test.ts', 'a file that is too large or not text is not parsed'],
  ],
  '| rule file |': [
    ['test/rule-file/read.test.ts', 'twenty aliases are followed, and no more'],
    ['test/rule-file/read.test.ts', '%s stores %i rules, and no more'],
    ['test/rule-file/read.test.ts', 'OSS stores 16 KiB, the others 64 KiB'],
  ],
  '| admin port |': [
    [
      'test/admin/bounds.test.ts',
      'closes a connection with too many pipelined requests after at most one exposition',
    ],
    ['test/admin/bounds.test.ts', 'serves the requests of one connection one after the other'],
    ['test/admin/bounds.test.ts', 'makes one exposition for all concurrent requests'],
    ['test/admin/bounds.test.ts', 'disconnects a client that reads nothing'],
    ['test/admin/bounds.test.ts', 'answers a probe despite any number of slow readers'],
    ['test/admin/admin.test.ts', 'to a target that is too long is 414, and to headers that are 431'],
  ],
  '| a worker that does not respond': [
    [
      'test/serve/workers.spec.ts',
      'a worker that hangs is killed and replaced, and PUT ?cors still takes effect',
    ],
  ],
  '| denials kept for the console': [
    [
      'test/admin/denials.test.ts',
      'hold the latest ones, newest first, also after the ring has wrapped around',
    ],
    ['test/admin/denials.test.ts', 'use no more memory with a million distinct origins'],
  ],
  '| log |': [
    ['test/log/log.test.ts', 'is valid JSON of at most 8 KB for any input: %s'],
    ['test/log/log.test.ts', 'are at most a hundred lines a minute, however many origins there are'],
    ['test/log/output.test.ts', 'lines dropped because of a slow reader are counted and reported'],
  ],
  '| metrics |': [
    [
      'test/metrics/metrics.test.ts',
      '100,000 requests of random buckets, methods, origins and paths add no series',
    ],
  ],
  'It listens on `127.0.0.1:9464`': [['test/settings/settings.test.ts', 'only the store has no default']],
  '`/drained` waits for the end of a drain': [
    ['test/admin/admin.test.ts', '/drained waits for the end of a drain, and limits the callers that wait'],
  ],
  '`/metrics`, `/healthz`, `/readyz` and `/drained` answer': [['test/admin/access.test.ts', '%s is refused']],
  '**Without a token**': [
    ['test/admin/access.test.ts', 'a local caller with %s is answered'],
    ['test/admin/access.test.ts', '%s is refused'],
    ['test/admin/access.test.ts', 'a caller at another address of the machine is refused'],
  ],
  '**With a token**': [
    [
      'test/admin/access.test.ts',
      'a local caller needs the token too, because a plain proxy on this machine makes every caller look local',
    ],
    ['test/admin/access.test.ts', 'with %s the caller gets 401'],
  ],
  'Callers send it as a bearer token': [
    [
      'test/admin/access.test.ts',
      'a new token works at once; no token works while the file is empty, missing or huge',
    ],
  ],
  "The console's page exchanges it": [
    [
      'test/admin/sign-in.test.ts',
      'exchanges the token for a cookie that scripts and other sites cannot use',
    ],
    ['test/admin/sign-in.test.ts', 'ends after twelve hours, with another token, and with the process'],
    ['test/admin/sign-in.test.ts', 'cannot be forged or extended'],
  ],
  'Other web sites never get an answer:': [
    ['test/admin/access.test.ts', '%s is refused'],
    ['test/admin/sign-in.test.ts', 'is refused in requests from another site'],
    ['test/admin/sign-in.test.ts', 'from another site is refused'],
  ],
  'The admin port shows rules, findings': [
    ['test/admin/denials.test.ts', 'keep bounded parts of the request, without its query'],
    [
      'test/requests/kept-request.test.ts',
      'holds the origin, the method and the headers that were asked for, and no query',
    ],
  ],
  'Content of requests is shown as text only': [
    ['test/admin/console.test.ts', 'shows markup in a request as text'],
    ['test/admin/console.test.ts', 'loads only its own files'],
  ],
  '`--debug-headers` sends': [['test/settings/settings.test.ts', 'only the store has no default']],
  'Log lines contain the client': [
    ['test/log/log.test.ts', 'of a preflight has exactly the fields of the request and its decision'],
  ],
  'In queries, only values': [
    ['test/log/log.test.ts', 'never shows the value of the query parameter %s'],
    ['test/log/log.test.ts', 'never shows the header %s'],
  ],
  'Control characters, including C1': [
    ['test/log/log.test.ts', 'escapes control characters and line breaks'],
  ],
  '`package.json` lists the run-time packages': [
    ['test/security.test.ts', 'the lock file has a hash for every package'],
  ],
  'None of them runs an install script': [
    [
      'test/deploy/image/image.spec.ts',
      'leave the program, its production dependencies, licence and bill of materials, and nothing else',
    ],
    [
      'test/security.test.ts',
      'no package needed at run time has an install script, and npm runs only that of the package node',
    ],
  ],
  '`allowScripts` permits the install script': [
    [
      'test/security.test.ts',
      'no package needed at run time has an install script, and npm runs only that of the package node',
    ],
  ],
  'The running program downloads nothing': [
    ['test/serve/connections-out.test.ts', 'connects to the store, and to nothing else'],
  ],
  'In the deployment examples, the sidecar runs as user 65532': [
    ['test/deploy/kustomize.test.ts', 'the sidecar runs as 65532, in the variant its place asks for'],
    [
      'test/deploy/kustomize.test.ts',
      'pods fit the restricted Pod Security Standard, with read-only roots and without a token',
    ],
  ],
}

/** Statements without a promise about the program: headings, advice, and what others must ensure. */
export const statements: readonly string[] = [
  "**The store's requests.**",
  "**The store's answers.**",
  '**What pages can read.**',
  '**The rules.**',
  '**Availability.**',
  '| those who can write settings, keys, certificates',
  'The sidecar takes the bucket from exactly',
  'Set the store up like this:',
  '**`--host-suffix NAME`**',
  'With a name that only the store has',
  '**`hosts:`** of a rule file',
  'MinIO has no such setting',
  '**MinIO in Kubernetes** serves',
  'Point clients at another name',
  'A bucket without a rule file has no such protection',
  '**A store that ignores case**',
  '**CORS is not access control.**',
  'It decides which pages may *read*',
  'Only the store controls access to objects',
  '**Requests for objects are not authenticated here.**',
  'Clients that can reach the data port',
  "If the store's policies depend",
  '**HTTP between client and sidecar is plain**',
  '**An allowed origin is trusted.**',
  'A page of an allowed origin',
  '**No rate limit.**',
  '`npm run test:reliability` measures',
  'Everything else, the console',
  'A proxy on the same machine that adds none',
  'Requests with a bearer token are exempt',
  'The token and the cookie are sent unencrypted',
  'In a cluster, restrict these with a network policy',
  '`npm audit --omit=dev`',
  'Use `append` only for stores',
  'Neither changes `X-Real-IP`',
  'Some stores accept these keys.',
  'a segment that is `.` or `..`',
  '`./c`, `a/../b`',
  'such a segment with a parameter',
  '`..;/x`;',
  'such a segment before a backslash',
  '`..%5Cx`.',
  'A copy source is not a request target',
]
