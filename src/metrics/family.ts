/** Metrics as plain data, and their text for a scrape. */

/** How values of several processes are merged. */
export type Aggregator = 'sum' | 'min' | 'max' | 'average' | 'first' | 'omit'

/** Links an observation to the request that it came from. */
export interface Exemplar {
  readonly requestId: string
  readonly value: number
  /** Seconds since 1970. */
  readonly time: number
}

export type Labels = Readonly<Record<string, string | number>>

export interface Sample {
  /** Appended to the family's name, e.g. `_bucket`; empty for counters and gauges. */
  readonly suffix: string
  readonly labels: Labels
  readonly value: number
  readonly exemplar?: Exemplar | undefined
}

export interface Family {
  /** Counters include their `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly aggregator: Aggregator
  readonly samples: Iterable<Sample>
}

export type ExpositionFormat = 'prometheus' | 'openmetrics'

/** Content-Type of each format (Prometheus text format 0.0.4; OpenMetrics 1.0.0). */
export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** OpenMetrics if Accept gives it at least the same weight as the older text format (RFC 9110 section 12.5.1). */
export function negotiateFormat(accept: string | undefined): ExpositionFormat {
  let openmetrics = 0
  let prometheus = 0
  for (const range of (accept ?? '').slice(0, 1024).toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1')
    if (type === 'application/openmetrics-text') openmetrics = Math.max(openmetrics, quality)
    if (type === 'text/plain') prometheus = Math.max(prometheus, quality)
  }
  return openmetrics > 0 && openmetrics >= prometheus ? 'openmetrics' : 'prometheus'
}

/** Label pairs as text, escaped as both formats require. */
function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
    .join(',')
}

const escapeLabel = (text: string): string =>
  text.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const linesPerPiece = 200

/** The text of `families`, in pieces of a few hundred lines, so that requests can be served between two pieces. */
export function* exposition(families: Iterable<Family>, format: ExpositionFormat): Generator<string> {
  let piece = ''
  let lines = 0
  for (const family of families) {
    const open = format === 'openmetrics'
    const named = open && family.type === 'counter' ? family.name.replace(/_total$/, '') : family.name
    piece += `# HELP ${named} ${family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`
    piece += `# TYPE ${named} ${family.type}\n`
    for (const sample of family.samples) {
      piece += sampleLine(family.name, sample, open)
      if (++lines % linesPerPiece === 0) {
        yield piece
        piece = ''
      }
    }
  }
  yield format === 'openmetrics' ? `${piece}# EOF\n` : piece
}

function sampleLine(name: string, { suffix, labels, value, exemplar }: Sample, open: boolean): string {
  const text = labelText(labels)
  const pairs = text === '' ? '' : `{${text}}`
  const from =
    open && exemplar !== undefined
      ? ` # {${labelText({ request_id: exemplar.requestId })}} ${exemplar.value} ${exemplar.time}`
      : ''
  return `${name}${suffix}${pairs} ${numberText(value)}${from}\n`
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
