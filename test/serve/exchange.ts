import { type Agent, type IncomingMessage, request as startRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Default: a new connection. */
  readonly agent?: Agent | false
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Sends one request and reads the complete response; rejects when either is aborted. */
export function exchange(url: string, sent: Sent = {}): Promise<Answered> {
  const { method = 'GET', headers = {}, body, agent = false } = sent
  return new Promise((resolve, reject) => {
    const request = startRequest(url, { method, headers: { ...headers }, agent })
    request.on('error', reject)
    request.on('response', (response) => {
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
        reject,
      )
    })
    request.end(body)
  })
}

/** A preflight in the form that browsers send. */
export const preflight = (origin: string, method = 'GET'): Sent => ({
  method: 'OPTIONS',
  headers: { Origin: origin, 'Access-Control-Request-Method': method },
})

/** The value of one sample of a scrape; `undefined` when there is none. `series`: name and labels as printed. */
export async function metric(admin: string, series: string): Promise<number | undefined> {
  const { body } = await exchange(`${admin}/metrics`)
  const line = body
    .toString()
    .split('\n')
    .find((line) => line.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

export async function adminJson(
  admin: string,
  path: string,
  method = 'GET',
): Promise<Record<string, unknown>> {
  const { body } = await exchange(`${admin}${path}`, { method })
  return JSON.parse(body.toString())
}
