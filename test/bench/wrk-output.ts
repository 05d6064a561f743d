/** wrk's figures for one load. */
export interface Load {
  readonly requests: number
  /** As counted by wrk: header sections and bodies. */
  readonly bytes: number
  readonly seconds: number
  /** Connections that failed, broke or timed out. */
  readonly socketErrors: number
  /** Responses of 400 and above. */
  readonly refusals: number
  readonly p50Milliseconds: number
  readonly p99Milliseconds: number
}

/** A wrk script for one request, which prints its figures as one line of JSON. */
export function wrkScript(method: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `wrk.headers[${quote(name)}] = ${quote(value)}\n`,
  )
  return `wrk.method = ${quote(method)}\n${lines.join('')}${done}`
}

/** Like {@link wrkScript}, for the paths that a Lua function of a number from 0 returns, in an order that jumps. */
export function wrkScriptOver(
  count: number,
  pathOf: string,
  method: string,
  headers: Readonly<Record<string, string>>,
): string {
  return `${wrkScript(method, headers)}
local requests, at = {}, 0
local path = ${pathOf}
function init()
  for index = 0, ${count - 1} do requests[index] = wrk.format(nil, path(index)) end
end
function request()
  at = (at + 7919) % ${count}
  return requests[at]
end
`
}

const done = `done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"bytes":%d,"microseconds":%d,"socketErrors":%d,"refusals":%d,"p50":%d,"p99":%d}\\n',
    summary.requests, summary.bytes, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99)))
end
`

/** A Lua string. The values are visible ASCII, so only two characters need escaping. */
const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`

/** Parses the output of {@link wrkScript}; throws when the line is missing or nothing was answered. */
export function parseWrk(output: string): Load {
  const line = output.split('\n').find((line) => line.startsWith('{"requests":'))
  if (line === undefined) throw new Error(`wrk printed no figures:\n${output}`)
  const { requests, bytes, microseconds, socketErrors, refusals, p50, p99 } = JSON.parse(line)
  const figures = [requests, bytes, microseconds, socketErrors, refusals, p50, p99].map(Number)
  if (figures.some((figure) => !Number.isFinite(figure)) || !(requests > 0))
    throw new Error(`wrk saw no answers: ${line}`)
  return {
    requests,
    bytes,
    seconds: microseconds / 1e6,
    socketErrors,
    refusals,
    p50Milliseconds: p50 / 1000,
    p99Milliseconds: p99 / 1000,
  }
}
