import { parseArgs } from 'node:util'

/** Parts of a run, in measuring order. */
export const sectionNames = [
  'preflight',
  'get',
  'streams',
  'decisions',
  'scale',
  'growth',
  'load',
  'workers',
  'memory',
] as const
export type SectionName = (typeof sectionNames)[number]

/** Peers to measure besides the sidecar and the baselines; values of `--peers`. */
export const peerNames = ['nginx', 'haproxy', 'caddy', 'traefik', 'express', 'fastify', 'versitygw'] as const
export type PeerName = (typeof peerNames)[number]

export interface BenchOptions {
  readonly quick: boolean
  /** Quick runs of the same code, to count false alarms. */
  readonly noise: number | undefined
  readonly full: boolean
  readonly write: boolean
  readonly only: readonly SectionName[]
  /** Peers besides the baselines and the sidecar; `undefined`: all that are installed. */
  readonly peers: readonly string[] | undefined
  readonly rounds: number
  /** Seconds per load. */
  readonly seconds: number
  /** A built `cmd/main.js` to measure instead of this checkout's. */
  readonly program: string | undefined
}

/** Sections that measure this checkout's code even with --program. */
const ofCheckout: readonly SectionName[] = ['decisions', 'memory']

export type ReadOptions =
  | { readonly kind: 'options'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'issue'; readonly issue: string }

export const help = `Usage: npm run bench -- [options]

Measures the sidecar beside its peers on this machine: requests/s, CPU per request, latency, memory.
Linux only. nginx and wrk must be installed; HAProxy, Caddy, Traefik and versitygw are left out when they are not.
A Caddy under the name caddy-current comes before the one under the name caddy.

  --quick           the cheap ratios only, compared with the recorded ones (ratios.json);
                    ends with 1 when one has fallen by more than 15 %
  --noise <N>       with --quick: runs it N times on the same code, and counts the false alarms;
                    with --write, writes the count to RESULTS.md
  --full            also streams of 5 GB and 10 GB of memory test; takes half an hour
  --only <names>    of ${sectionNames.slice(0, 5).join(', ')},
                    ${sectionNames.slice(5).join(', ')}; separated by commas
  --peers <names>   of ${peerNames.join(', ')}: who else takes part in preflight and get;
                    "none": the baselines and the sidecar alone
  --rounds <N>      rounds of preflight, get and streams (default: 5; with --quick 3)
  --seconds <N>     seconds of each load (default: 2)
  --program <FILE>  measures this built cmd/main.js, not this checkout: to compare two states of the code;
                    leaves out ${ofCheckout.join(' and ')}, which measure this checkout
  --write           writes RESULTS.md (its measured part), ratios.json and the plots; not with --only, --peers or --program
  --help            prints this

Ends with 1 when a measurement fails or, with --quick, a ratio has fallen. A missed budget is reported, not a failure.

Examples:
  npm run bench -- --quick
  npm run bench -- --quick --noise 10 --write
  npm run bench -- --only preflight,get --peers none --rounds 3
  npm run bench -- --full --write
`

/** Parses the arguments after `npm run bench --`. */
export function readOptions(argv: readonly string[]): ReadOptions {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: 'boolean', default: false },
        noise: { type: 'string' },
        full: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        only: { type: 'string' },
        peers: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        program: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    const { quick, full, write } = values
    if (values.noise !== undefined && !quick) return issue('--noise: only --quick is repeated')
    const writes = write && values.noise === undefined
    if (quick && (full || writes || values.only !== undefined || values.peers !== undefined))
      return issue('--quick stands alone, or with --rounds, --seconds, --program and --noise')
    if (write && [values.only, values.peers, values.program].some((value) => value !== undefined))
      return issue('--write needs a whole run of this checkout: what is recorded stems from one and the same')
    const { program } = values
    const possible = sectionNames.filter((name) => program === undefined || !ofCheckout.includes(name))
    const only = list(values.only) ?? possible
    const unknown = only.filter((name) => !sectionNames.some((known) => known === name))
    if (unknown.length > 0) return issue(`--only: there is no ${unknown.join(', ')}`)
    const impossible = sectionNames.filter((name) => only.includes(name) && !possible.includes(name))
    if (impossible.length > 0)
      return issue(`--program: ${impossible.join(', ')} always measures this checkout`)
    const peers = values.peers === 'none' ? [] : list(values.peers)
    const strangers = peers?.filter((name) => !peerNames.some((known) => known === name)) ?? []
    if (strangers.length > 0) return issue(`--peers: there is no ${strangers.join(', ')}`)
    return {
      kind: 'options',
      options: {
        quick,
        noise: values.noise === undefined ? undefined : count('--noise', values.noise, 1),
        full,
        write,
        only: sectionNames.filter((name) => only.includes(name)),
        peers,
        rounds: count('--rounds', values.rounds, quick ? 3 : 5),
        seconds: count('--seconds', values.seconds, 2),
        program,
      },
    }
  } catch (error) {
    return issue(error instanceof Error ? error.message : String(error))
  }
}

const issue = (text: string): ReadOptions => ({ kind: 'issue', issue: text })

const list = (text: string | undefined): readonly string[] | undefined =>
  text?.split(',').map((name) => name.trim())

function count(flag: string, text: string | undefined, preset: number): number {
  if (text === undefined) return preset
  if (!/^[1-9][0-9]{0,2}$/.test(text))
    throw new Error(`${flag}: ${JSON.stringify(text)} is no number from 1 to 999`)
  return Number(text)
}
