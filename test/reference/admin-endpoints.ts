import { readFileSync } from 'node:fs'
import { table } from '../markdown.ts'
import { code, page } from './markdown.ts'

type Endpoint = readonly [path: string, method: string, who: string, answer: string]

export const endpoints: readonly Endpoint[] = [
  [
    '/healthz',
    'GET',
    'everyone',
    '200 when the listeners are up and the rules have been loaded at least once, else 503; sends no request to the store',
  ],
  ['/readyz', 'GET', 'everyone', 'like `/healthz`, and 503 while draining'],
  [
    '/drained',
    'GET',
    'everyone',
    '200 once the drain is over, for the `preStop` of a store in the same pod; 503 if no drain begins within 20 seconds, or if eight callers are already waiting',
  ],
  [
    '/metrics',
    'GET',
    'everyone',
    'the [metrics](metrics.md), in the Prometheus text format or as OpenMetrics',
  ],
  ['/', 'GET', 'restricted', 'the console'],
  [
    '/-/rules',
    'GET',
    'restricted',
    'JSON of the loaded rules: bucket, file, state (`ok`, `stale`, `invalid`), since, findings with their positions, rules',
  ],
  [
    '/-/explain',
    'GET',
    'restricted',
    'JSON like `explain --format json`; query: either `bucket` or `host`, and `path`, `origin`, `method`, `headers`, `actual`',
  ],
  [
    '/-/denials',
    'GET',
    'restricted',
    'JSON of the recent denials, at most 200, and of their groups; query: `bucket`, `origin` and `reason` filter the groups, `recent` and `groups` limit the number of denials and groups, `explained=no` omits the explanations',
  ],
  ['/-/candidates', 'GET', 'restricted', 'JSON of the differences that `--candidate-rules` would make'],
  [
    '/-/store',
    'GET',
    'restricted',
    'JSON: address of the store, whether it answers, since when, and its last error',
  ],
  [
    '/-/reload',
    'POST',
    'restricted',
    'reloads the rules directory; JSON with the result `applied`, `unchanged` or `failed`; 500 if it is `failed`',
  ],
  ['/-/overview', 'GET', 'restricted', 'for the console: JSON of its first page'],
  ['/-/presets', 'GET', 'restricted', 'for the console: JSON of the presets'],
  ['/-/file', 'GET', 'restricted', 'for the console: JSON with the text of a rule file'],
  [
    '/-/check',
    'POST',
    'restricted',
    'for the console: applies an edit from its form to the rule file text in the request, and checks the result; writes no file',
  ],
  ['/-/sign-in', 'POST', 'everyone', 'for the console: exchanges the token for a session cookie'],
  ['/-/sign-out', 'POST', 'everyone', 'for the console: ends the session'],
]

/** The console has no entry in the table of routes: a condition below the table selects it. */
const consolePath = '/'

/** Throws when a route has no row, or a row has no route with its method and audience. */
export function adminEndpointsPage(rows: readonly Endpoint[] = endpoints): string {
  const inCode = routesOf(readSource('routes.ts'), readSource('sign-in.ts'))
  const missing = [...inCode.keys()].filter((path) => !rows.some(([known]) => known === path))
  const wrong = rows
    .filter(([path, method, who]) => path !== consolePath && inCode.get(path) !== `${method} ${who}`)
    .map(([path, method, who]) => `${method} ${path} ${who}`)
  if (missing.length + wrong.length > 0)
    throw new Error(`routes without a row: ${missing}; rows without such a route: ${wrong}`)
  return page(
    'Endpoints of the admin port',
    'The admin port listens on `127.0.0.1:9464` by default. An endpoint for *everyone* needs no token. A *restricted* one answers local callers only, or, with `--admin-token-file`, those who send the token: `Authorization: Bearer TOKEN`. [SECURITY.md](../../../SECURITY.md#the-admin-port) has the details. `GET` endpoints also answer `HEAD`; a request with any other method gets 405.',
    table(
      ['endpoint', 'for', 'answers'],
      rows.map(([path, method, who, answer]) => [code(`${method} ${path}`), who, answer]),
    ),
    'The endpoints *for the console* may change in any release; the others are stable ([Stability](../stability.md)).',
  )
}

const readSource = (name: string): string =>
  readFileSync(new URL(`../../src/admin/${name}`, import.meta.url), 'utf8')

/** Parsed from the source text, because the table of routes only exists while an admin port runs. */
function routesOf(routes: string, signIn: string): ReadonlyMap<string, string> {
  const constants = new Map(
    [...signIn.matchAll(/export const (\w+) = '(\/-\/[\w-]+)'/g)].map(([, name = '', path = '']) => [
      name,
      path,
    ]),
  )
  const entries = routes.matchAll(/\[\s*('[^']+'|\w+Path),\s*(.*?)(open|restricted|posted)\(([^\n]*)/g)
  return new Map(
    [...entries].map(([, name = '', , kind = '', rest = '']) => {
      const path = name.startsWith("'") ? name.slice(1, -1) : (constants.get(name) ?? name)
      const everyone = kind === 'open' || rest.includes('restricted: false')
      return [path, `${kind === 'posted' ? 'POST' : 'GET'} ${everyone ? 'everyone' : 'restricted'}`]
    }),
  )
}
