/// <reference lib="dom" />
/** Sends the requests of the page, asks why they went as they did, and lists them. */

import { byId, h } from '../../admin/page/dom.ts'
import type { DemoBucket } from '../example-data.ts'
import type { PageSetup } from '../page-setup.ts'
import type { ShownExplanation } from '../sidecar-view.ts'
import { badge, type Child } from './dom.ts'

/** A request of the page. */
export interface Order {
  readonly method: string
  readonly bucket: DemoBucket
  readonly key: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | File
}

/** What a page can learn of a request: an answer, or that it failed, without a reason. */
export type Outcome =
  | { readonly readable: true; readonly status: number; readonly headers: Headers; readonly body: Blob }
  | { readonly readable: false; readonly error: string }

export const setup: PageSetup = JSON.parse(await (await fetch('/setup')).text())
export const here = location.origin

export const objectUrl = (origin: string, bucket: string, key: string): string =>
  `${origin}/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`

export async function attempt(order: Order, origin = setup.sidecarOrigin): Promise<Outcome> {
  try {
    const response = await fetch(objectUrl(origin, order.bucket, order.key), {
      method: order.method,
      headers: order.headers ?? {},
      body: order.body ?? null,
      cache: 'no-store',
    })
    return { readable: true, status: response.status, headers: response.headers, body: await response.blob() }
  } catch (error) {
    return { readable: false, error: String(error) }
  }
}

/** The header names that a browser asks for: all but those every page may send (Fetch, CORS-safelisted request-header). */
function requestedHeaders({ headers = {} }: Order): string {
  const simple = /^text\/plain\b/.test(headers['content-type'] ?? 'text/plain')
  const names = Object.keys(headers).filter((name) => name !== 'content-type' || !simple)
  return names.sort().join(',')
}

/** Why the sidecar decides a request as it does: its preflight, or the request itself where a browser sends none. */
export async function why(order: Order): Promise<ShownExplanation> {
  const { bucket, key, method } = order
  const headers = requestedHeaders(order)
  const query = new URLSearchParams({ bucket, key, origin: here, method, headers })
  if (method === 'GET' && headers === '') query.set('actual', 'true')
  const answer = await fetch(`/why?${query}`)
  if (!answer.ok) throw new Error(await answer.text())
  return JSON.parse(await answer.text())
}

/** Sends a request through the sidecar, asks why it went as it did, and notes both in the log. */
export async function send(order: Order): Promise<{ outcome: Outcome; reason: ShownExplanation }> {
  const outcome = await attempt(order)
  const reason = await why(order)
  log(
    order,
    outcome,
    ...(reason.decision === 'allow' ? [reason.text] : [h('code', {}, reason.reason), ` ${reason.text}`]),
  )
  return { outcome, reason }
}

export function browserSaid(outcome: Outcome): string {
  if (!outcome.readable) return outcome.error
  return `${outcome.status}${outcome.status < 400 ? ' OK' : ''}`
}

export function log(order: Order, outcome: Outcome, ...explanation: readonly Child[]): void {
  const rows = byId('log', HTMLTableElement).tBodies[0]
  if (rows === undefined) return
  rows.querySelector('.empty')?.remove()
  rows.prepend(
    h(
      'tr',
      {},
      h('td', {}, h('code', {}, `${order.method} /${order.bucket}/${order.key}`)),
      h('td', {}, badge(outcome.readable, outcome.readable ? 'allowed' : 'refused')),
      h('td', {}, outcome.readable ? browserSaid(outcome) : h('span', { class: 'error' }, outcome.error)),
      h('td', {}, ...explanation),
    ),
  )
  while (rows.rows.length > 100) rows.lastElementChild?.remove()
}
