import { type Answered, exchange, preflight, type Sent } from './exchange.ts'

/**
 * Rule files and responses that are identified by their generation: it is in the methods, in the exposed header and
 * in the max-age, so that a mix of two generations is noticed.
 */
export const origin = 'https://app.example'

export const generationFile = (generation: number): string => `rules:
  - id: g${generation}
    allowedOrigins: ["${origin}"]
    allowedMethods: [${methodsOf(generation).join(', ')}]
    exposeHeaders: [x-gen-${generation}]
    maxAgeSeconds: ${generation}
`

const methodsOf = (generation: number): readonly string[] => [
  'GET',
  'PUT',
  ...['POST', 'DELETE', 'HEAD'].filter((_method, index) => (generation >> index) % 2 === 1),
]

/** The generation that decided, or what is wrong with the response. */
export function generationOf({ status, headers }: Answered): number | string {
  const generation = Number(headers['access-control-max-age'])
  const seen = [
    status,
    headers['access-control-allow-origin'],
    headers['access-control-allow-methods'],
    headers['access-control-expose-headers'],
  ].join(' | ')
  const wanted = [200, origin, methodsOf(generation).join(','), `x-gen-${generation}`].join(' | ')
  return seen === wanted ? generation : `${seen}, max-age ${generation}`
}

/** What a page would send; each kind of request uses a different part of the rules. */
export const pageRequests: readonly Sent[] = [
  preflight(origin, 'PUT'),
  { headers: { Origin: origin } },
  { method: 'PUT', headers: { Origin: origin }, body: 'x'.repeat(3000) },
]

/** The generation that decides a preflight. */
export async function currentGeneration(data: string, bucket: string): Promise<number | string> {
  return generationOf(await exchange(`${data}/${bucket}/object`, preflight(origin, 'PUT')))
}
