import { visible } from '../text/visible.ts'
import type { Output } from './output.ts'

/** Writes lines for people instead of JSON: a terminal has no log collector. */
export function textLines(output: Output): Output {
  return {
    write(lines) {
      const text = typeof lines === 'string' ? lines : new TextDecoder().decode(lines)
      output.write(text.split('\n').map(toText).join('\n'))
    },
    close: () => output.close(),
  }
}

function toText(line: string): string {
  if (line === '') return ''
  let fields: Readonly<Record<string, unknown>>
  try {
    fields = JSON.parse(line)
  } catch {
    return visible(line)
  }
  const { time, level, msg, ...rest } = fields
  const clock = typeof time === 'string' ? time.slice(11, 19) : ''
  const head = `${clock} ${String(level).padEnd(5)}`
  const words = msg === 'request' ? requestWords(rest) : `${String(msg)}${pairs(rest)}`
  return `${head} ${visible(words)}`
}

/** Method, path, status, duration, decision, origin, and the store's failure. */
function requestWords(fields: Readonly<Record<string, unknown>>): string {
  const of = (name: string): string => (fields[name] === undefined ? '' : ` ${String(fields[name])}`)
  const origin = fields['http.request.header.origin']
  const decision =
    fields.decision === undefined
      ? ''
      : ` ${String(fields.kind)} ${String(fields.decision)} (${String(fields.reason)})`
  const from = origin === undefined ? '' : ` from ${String(origin)}`
  const error = fields['error.type'] === undefined ? '' : ` store: ${String(fields['error.type'])}`
  return `${String(fields['http.request.method'])}${of('url.path')}${of('http.response.status_code')} ${String(fields.duration_ms)} ms${decision}${from}${error}`
}

const pairs = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')
