import { type DestinationStream, pino } from 'pino'
import { explainJudgement } from '../plan/explain-request.ts'
import { createDenialGate } from './denial-gate.ts'
import { escapeControls } from './escape-controls.ts'
import { type OnExit, standardOutput } from './output.ts'
import { redactFields, redactText } from './redact.ts'
import {
  corsFields,
  cut,
  decisionFields,
  type FinishedRequest,
  maxLineBytes,
  requestLine,
} from './request-line.ts'

export type { FinishedRequest } from './request-line.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** Fields of a line, beside level, time and msg. An `error` becomes exception.type, .message and .stacktrace. */
export type LogFields = Readonly<Record<string, unknown>>
type Write = (message: string, fields?: LogFields) => void

export interface Log {
  /** One line for a request that is over, at info; one at warn for a denial, where it is not one of many alike. */
  request(request: FinishedRequest): void
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
  readonly fatal: Write
  /** Writes out what is still in memory. To be called last: nothing is logged afterwards. */
  close(): Promise<void>
}

export interface LogOptions {
  readonly level: LogLevel
  /** Default: standard output, written to in the background. */
  readonly destination?: DestinationStream & { close?(): Promise<void> }
  /** For the last lines of a process that ends by a fault, on standard output. */
  readonly onExit?: OnExit | undefined
  /** Lines for denials at warn in a minute, two at least; default: 100. */
  readonly denialsPerMinute?: number
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: () => number
}

const minute = 60_000

/** JSON lines, UTC, none longer than 8 KB. */
export function createLog(options: LogOptions): Log {
  const { level, onExit, denialsPerMinute = 100, now = Date.now } = options
  const { destination = standardOutput(onExit) } = options
  const time = isoClock(now)
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${time()}"`,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: bounded },
    },
    destination,
  )
  const write =
    (name: Exclude<LogLevel, 'silent' | 'trace'>): Write =>
    (message, fields = {}) => {
      if (logger.isLevelEnabled(name)) logger[name](lineFields(fields), redactText(message))
    }
  const logsRequests = logger.isLevelEnabled('info')
  const denials = logger.isLevelEnabled('warn')
    ? denialLog(destination, time, write('warn'), denialsPerMinute)
    : undefined
  const logsEveryDenial = logger.isLevelEnabled('debug')
  return {
    request(request) {
      if (logsRequests) destination.write(`${requestLine(request, time())}\n`)
      if (request.plan.judgement.decision?.verdict === 'deny') denials?.log(request, logsEveryDenial)
    },
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    async close() {
      denials?.close()
      await destination.close?.()
    },
  }
}

/** ISO 8601 in UTC; the part up to the second is made once a second. */
function isoClock(now: () => number): () => string {
  let second = Number.NaN
  let prefix = ''
  return () => {
    const at = now()
    const current = Math.floor(at / 1000)
    if (current !== second) {
      second = current
      prefix = new Date(current * 1000).toISOString().slice(0, 20)
    }
    const milliseconds = Math.floor(at - current * 1000)
    return `${prefix}${milliseconds < 10 ? '00' : milliseconds < 100 ? '0' : ''}${milliseconds}Z`
  }
}

function lineFields({ error, ...fields }: LogFields): Record<string, unknown> {
  if (error === undefined) return redactFields(fields)
  const exception =
    error instanceof Error
      ? {
          'exception.type': error.name,
          'exception.message': error.message,
          'exception.stacktrace': cut(error.stack ?? '', 3000),
        }
      : { 'exception.message': String(error) }
  return redactFields({ ...fields, ...exception })
}

/** A line that is too long is replaced by what fits: who wrote it and how it began. */
function bounded(unescaped: string): string {
  const line = escapeControls(unescaped)
  if (line.length * 6 < maxLineBytes || Buffer.byteLength(line) <= maxLineBytes) return line
  const { level, time, msg }: Record<string, unknown> = JSON.parse(line)
  const short = { level, time, msg: cut(String(msg), 512), cut: cut(line, 512) }
  return `${escapeControls(JSON.stringify(short))}\n`
}

/** Denials at warn: the first of each bucket, origin and reason in a minute, and how many there were beside. */
function denialLog(
  destination: DestinationStream,
  time: () => string,
  warn: Write,
  mostPerMinute: number,
): { log(request: FinishedRequest, every: boolean): void; close(): void } {
  // One line of the hundred is for the rest.
  const gate = createDenialGate(mostPerMinute - 1)
  let timer: NodeJS.Timeout | undefined
  const endMinute = (): void => {
    clearTimeout(timer)
    timer = undefined
    const { folded, unseen } = gate.endMinute()
    if (folded > 0) warn(`${folded} more denials in the last minute`, { folded, unseen })
  }
  return {
    log(request, every) {
      const { address, decision } = request.plan.judgement
      const bucket = address.kind === 'bucket' ? address.name : ''
      const origin = cut(request.facts.origin ?? '', 512)
      const taken = gate.take(`${decision?.reason} ${bucket} ${origin}`)
      timer ??= setTimeout(endMinute, minute).unref()
      if (taken !== undefined) destination.write(`${denialLine(request, 'warn', time(), taken.folded)}\n`)
      else if (every) destination.write(`${denialLine(request, 'debug', time(), 0)}\n`)
    },
    close: endMinute,
  }
}

function denialLine({ facts, plan }: FinishedRequest, level: string, time: string, folded: number): string {
  const explanation = explainJudgement(plan.judgement)
  if (explanation === undefined) throw new Error('a request without a decision was denied')
  const { text, hint } = explanation
  const cuts = { header: 256, short: 128 }
  const words = `"msg":${JSON.stringify(cut(`denied: ${text}`, 700))}`
  const more = hint === undefined ? '' : `,"hint":${JSON.stringify(cut(hint, 300))}`
  const count = folded === 0 ? '' : `,"folded":${folded}`
  return `{"level":"${level}","time":"${time}",${escapeControls(words + more)},"request_id":${JSON.stringify(plan.requestId)}${decisionFields(plan, cuts)}${corsFields(facts, cuts)}${count}}`
}
