import { expect, test } from 'vitest'
import { parseWrk, wrkScript, wrkScriptOver } from './wrk-output.ts'

const printed = `Running 2s test @ http://127.0.0.1:8080/assets/object
  1 threads and 16 connections
Requests/sec:  34855.11
{"requests":69711,"bytes":32000000,"microseconds":2000100,"socketErrors":1,"refusals":2,"p50":400,"p99":2100}
`

test('the figures of a load are those of the line that the script prints', () => {
  expect(parseWrk(printed)).toEqual({
    requests: 69_711,
    bytes: 32_000_000,
    seconds: 2.0001,
    socketErrors: 1,
    refusals: 2,
    p50Milliseconds: 0.4,
    p99Milliseconds: 2.1,
  })
})

test.each([
  ['that line is missing', 'unable to connect to 127.0.0.1:8080\n', 'printed no figures'],
  ['nothing was answered', printed.replace('69711', '0'), 'saw no answers'],
  ['a figure is missing', printed.replace('"p99":2100', '"p98":2100'), 'saw no answers'],
])('it is an error when %s', (_name, output, message) => {
  expect(() => parseWrk(output)).toThrow(message)
})

test('the script sends the method and the headers, quoted for Lua', () => {
  const script = wrkScript('OPTIONS', { Origin: 'https://a.example', 'X-Odd': 'a"b\\c' })
  expect(script.split('\n').slice(0, 3)).toEqual([
    'wrk.method = "OPTIONS"',
    'wrk.headers["Origin"] = "https://a.example"',
    'wrk.headers["X-Odd"] = "a\\"b\\\\c"',
  ])
})

test('a script over many paths asks each of them, because its step has no divisor in common with their number', () => {
  const script = wrkScriptOver(1_000, 'function(index) return "/" .. index end', 'GET', {})
  expect(script).toContain('wrk.method = "GET"')
  const [, step, count] = /at = \(at \+ (\d+)\) % (\d+)/.exec(script) ?? []
  const asked = new Set<number>()
  for (let at = 0, sent = 0; sent < 1_000; sent++) {
    at = (at + Number(step)) % Number(count)
    asked.add(at)
  }
  expect(asked.size).toBe(1_000)
})
