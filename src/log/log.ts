import { type DestinationStream, pino } from 'pino'
import { explainJudgement } from '../plan/explain-request.ts'
import type { FinishedRequest } from '../requests/finished-request.ts'
import type { LogLevel } from '../settings/settings.ts'
import { createDenialGate } from './denial-gate.ts'
import { escapeControls } from './escape-controls.ts'
import { type OnExit, standardOutput } from './output.ts'
import { redactFields, redactText } from './redact.ts'
import { corsFields, cut, decisionFields, jsonLine, maxLineBytes, requestLine } from './request-line.ts'

/** Fields besides level, time and msg. An `error` becomes exception.type, .message and .stacktrace. */
type LogFields = Readonly<Record<string, unknown>>
type Write = (message: string, fields?: LogFields) => void

export interface Log {
  /** Writes an info line for a finished request, and a warn line if it was denied and is not one of many alike. */
  request(request: FinishedRequest): void
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
  readonly fatal: Write
  /** Writes out what is still in memory. Call it last: later lines are lost. */
  close(): Promise<void>
}

interface LogOptions {
  readonly level: LogLevel
  /** Default: standard output, written in the background. */
  readonly destination?: DestinationStream & { close?(): Promise<void> }
  /** Lets standard output write its last lines when the process crashes. */
  readonly onExit?: OnExit | undefined
  /** Warn lines for denials per minute, at least two; default: 100. */
  readonly denialsPerMinute?: number
  /** Milliseconds since 1970; default: the system clock. */
  readonly now?: () => number
}

const minute = 60_000

/** JSON lines, times in UTC, at most 8 KB per line. */
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

/** ISO 8601 in UTC. The part up to the second is formatted once a second. */
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

/** Replaces a line that is too long with its level, time and message, and its beginning as text. */
function bounded(unescaped: string): string {
  const line = escapeControls(unescaped)
  if (line.length * 6 < maxLineBytes || Buffer.byteLength(line) <= maxLineBytes) return line
  const { level, time, msg }: Record<string, unknown> = JSON.parse(line)
  const short = { level, time, msg: cut(String(msg), 512), cut: cut(line, 512) }
  return `${jsonLine(short)}\n`
}

/** Denials at level warn: the first of each bucket, origin and reason in a minute, and a count of the others. */
function denialLog(
  destination: DestinationStream,
  time: () => string,
  warn: Write,
  maxPerMinute: number,
): { log(request: FinishedRequest, every: boolean): void; close(): void } {
  // Reserves one line of the limit for the count of suppressed denials.
  const gate = createDenialGate(maxPerMinute - 1)
  let timer: NodeJS.Timeout | undefined
  const endMinute = (): void => {
    clearTimeout(timer)
    timer = undefined
    const { folded, unseen } = gate.endMinute()
    if (folded > 0)
      warn(`${folded} more ${folded === 1 ? 'denial' : 'denials'} in the last minute (suppressed)`, {
        folded,
        unseen,
      })
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
  return jsonLine({
    level,
    time,
    msg: cut(`denied: ${text}`, 700),
    hint: hint === undefined ? undefined : cut(hint, 300),
    request_id: plan.requestId,
    ...decisionFields(plan, cuts),
    ...corsFields(facts, cuts),
    folded: folded === 0 ? undefined : folded,
  })
}
