/// <reference lib="dom" />
/** Sends the requests of the page, gets their explanations, and lists them. */

import { byId, h } from '../../admin/page/dom.ts'
import type { DemoBucket } from '../example-data.ts'
import type { PageSetup } from '../page-setup.ts'
import type { ShownExplanation } from '../sidecar-view.ts'
import { badge, type Child } from './dom.ts'

export interface Order {
  readonly method: string
  readonly bucket: DemoBucket
  readonly key: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | File
}

/** What a page can learn about a request: a response, or a failure without a reason. */
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

/** Headers that need a preflight: https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names */
function requestedHeaders({ headers = {} }: Order): string {
  const simple = /^text\/plain\b/.test(headers['content-type'] ?? 'text/plain')
  const names = Object.keys(headers).filter((name) => name !== 'content-type' || !simple)
  return names.sort().join(',')
}

/** Explains the preflight of a request, or the request itself if a browser sends no preflight. */
export async function why(order: Order): Promise<ShownExplanation> {
  const { bucket, key, method } = order
  const headers = requestedHeaders(order)
  const query = new URLSearchParams({ bucket, key, origin: here, method, headers })
  if (method === 'GET' && headers === '') query.set('actual', 'true')
  const answer = await fetch(`/why?${query}`)
  if (!answer.ok) throw new Error(await answer.text())
  return JSON.parse(await answer.text())
}

/** Sends a request through the sidecar, gets its explanation, and lists both in the table. */
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
