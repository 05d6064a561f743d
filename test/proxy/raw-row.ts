/** The rows of the raw corpus, and the check of each outcome. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { ask, type Client, get, openClient } from './path.ts'
import type { Behaviour, RecordingStore } from './recording-store.ts'

/** One hostile request and its permitted outcomes. Text is Latin-1; `{{repeat:TEXT:N}}` is expanded. */
export interface Row {
  readonly id: string
  readonly ctx: string
  readonly why: string
  readonly raw: string
  readonly delivery?: { readonly chunks?: readonly string[]; readonly linger_ms?: number }
  readonly upstream?: Behaviour
  readonly check: {
    readonly status: readonly number[]
    /** Minimum and maximum number of requests that may reach the store. */
    readonly fwd: readonly [number, number]
    readonly target?: string
    readonly absent?: readonly string[]
    readonly resp_absent?: readonly string[]
    readonly resp_present?: readonly string[]
    readonly resp_absent_body?: string
    readonly responses_max?: number
    readonly closes?: boolean
    readonly timeout_ok?: boolean
    readonly max_ms?: number
    readonly slow?: boolean
  }
}

export const rows: readonly Row[] = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/raw-requests.json', import.meta.url)), 'utf8'),
)

/** The timeouts that the rows assume, in milliseconds. */
export const rowTimeouts = { headersTimeout: 3_000, upstreamTimeout: 4_000, idleTimeout: 5_000 } as const

/**
 * Sends `row` to the data port `port` in front of `store`, which has recorded nothing yet. Rejects when an outcome
 * is not permitted, or when a plain GET is not served afterwards.
 */
export async function holdRow(row: Row, port: number, store: RecordingStore): Promise<void> {
  const { check } = row
  const client = await openClient(port)
  for (const piece of row.delivery?.chunks ?? [row.raw]) client.send(writtenOut(piece))
  const closed = await settled(client, row)
  const answers = responses(client.text(), row.raw.startsWith('HEAD '))
  const [first] = answers

  const status = first?.status ?? (closed ? 0 : undefined)
  if (status !== undefined || check.timeout_ok !== true) expect(check.status).toContain(status)
  expect(store.garbage).toEqual([])
  expect(store.requests.filter((request) => request.target.includes('smuggled'))).toEqual([])
  expect(store.requests.length).toBeGreaterThanOrEqual(check.fwd[0])
  expect(store.requests.length).toBeLessThanOrEqual(check.fwd[1])
  expectRequest(row, store)
  for (const item of check.resp_absent ?? []) expect(holds(first?.headers ?? [], item)).toBe(false)
  for (const item of check.resp_present ?? []) expect(holds(first?.headers ?? [], item)).toBe(true)
  expect(answers.length).toBeLessThanOrEqual(check.responses_max ?? answers.length)
  if (check.resp_absent_body !== undefined) expect(client.text()).not.toContain(check.resp_absent_body)
  // A request that is served anyway may keep its connection.
  if (check.closes === true && !(first?.status === 200 && first.whole)) expect(closed).toBe(true)
  client.socket.destroy()
  expect(await ask(port, get('/b/canary'))).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/)
}

function expectRequest({ check }: Row, store: RecordingStore): void {
  const request = store.requests[0] ?? store.heads[0]
  if (request === undefined) return
  if (check.target !== undefined) expect(request.target).toBe(check.target)
  for (const item of check.absent ?? []) expect(holds(request.headers, item)).toBe(false)
}

const writtenOut = (text: string): string =>
  text.replace(/\{\{repeat:([\s\S]*?):(\d+)\}\}/g, (_, piece: string, times: string) =>
    piece.repeat(Number(times)),
  )

/** Waits for the end of the connection, or for the expected output if it stays open. Returns whether it ended. */
async function settled(client: Client, row: Row): Promise<boolean> {
  const { check, delivery } = row
  // If output must come, only a busy machine delays it. If none may come, this waits for it.
  const least = check.timeout_ok === true || row.check.status.includes(0) ? 1_500 : 10_000
  const budget = Math.max(check.max_ms ?? 0, least) + (delivery?.linger_ms ?? 0)
  const rest = check.closes === true ? 1_000 : 100
  const ended = client.ended().then(() => true)
  const head = row.raw.startsWith('HEAD ')
  const answered = client
    .until((text) => responses(text, head).at(-1)?.whole === true)
    .then(() => new Promise<boolean>((resolve) => setTimeout(resolve, rest, false)))
  const patience = new Promise<boolean>((resolve) => setTimeout(resolve, budget, false))
  return Promise.race([
    ended,
    answered.then((result) => Promise.race([ended, Promise.resolve(result)])),
    patience,
  ])
}

interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly whole: boolean
}

/** The final responses in `text`; skips informational ones. */
function responses(text: string, head: boolean): readonly Answer[] {
  const end = text.indexOf('\r\n\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? -1)
  if (text === '' || end < 0) return []
  const after = text.slice(end + 4)
  if (status >= 100 && status < 200 && status !== 101) return responses(after, head)
  const headers = text
    .slice(0, end)
    .split('\r\n')
    .slice(1)
    .map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
  const length = bodyLength(status, headers, after, head)
  if (length === undefined || length > after.length) return [{ status, headers, whole: false }]
  return [{ status, headers, whole: true }, ...responses(after.slice(length), head)]
}

function bodyLength(
  status: number,
  headers: readonly (readonly [string, string])[],
  after: string,
  head: boolean,
): number | undefined {
  if (head || status === 204 || status === 304) return 0
  if (headers.some(([name]) => name === 'transfer-encoding')) {
    const end = after.indexOf('0\r\n\r\n')
    return end < 0 ? undefined : end + 5
  }
  const length = headers.find(([name]) => name === 'content-length')?.[1]
  return length === undefined ? undefined : Number(length)
}

/** Whether `headers` have the line `name`, or `name: value` with that value alone or in a list. */
function holds(headers: readonly (readonly [string, string])[], item: string): boolean {
  const colon = item.indexOf(':')
  if (colon < 0) return headers.some(([name]) => name === item)
  const wanted = item
    .slice(colon + 1)
    .trim()
    .toLowerCase()
  return headers.some(
    ([name, value]) =>
      name === item.slice(0, colon) &&
      [value, ...value.split(',')].some((part) => part.trim().toLowerCase() === wanted),
  )
}
