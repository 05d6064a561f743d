/** Sends the requests of the page, asks why they went as they did, and lists them. */
export const requestsScript = String.raw`import { badge, byId, element } from './dom.js'

export const setup = await (await fetch('/setup')).json()
export const here = location.origin

export const objectUrl = (origin, bucket, key) =>
  origin + '/' + bucket + '/' + key.split('/').map(encodeURIComponent).join('/')

/** What a page can learn of a request: an answer, or that it failed, without a reason. */
export async function attempt(order, origin) {
  try {
    const response = await fetch(objectUrl(origin ?? setup.sidecarOrigin, order.bucket, order.key), {
      method: order.method,
      headers: order.headers,
      body: order.body,
      cache: 'no-store',
    })
    return { readable: true, status: response.status, headers: response.headers, body: await response.blob() }
  } catch (error) {
    return { readable: false, error: String(error) }
  }
}

/** The header names that a browser asks for: all but those every page may send (Fetch, CORS-safelisted request-header). */
function requestedHeaders({ headers = {} }) {
  const simple = /^text\/plain\b/.test(headers['content-type'] ?? 'text/plain')
  const names = Object.keys(headers).filter((name) => name !== 'content-type' || !simple)
  return names.sort().join(',')
}

/** Why the sidecar decides a request as it does: its preflight, or the request itself where a browser sends none. */
export async function why(order) {
  const { bucket, key, method } = order
  const headers = requestedHeaders(order)
  const query = new URLSearchParams({ bucket, key, origin: here, method, headers })
  if (method === 'GET' && headers === '') query.set('actual', 'true')
  const answer = await fetch('/why?' + query)
  if (!answer.ok) throw new Error(await answer.text())
  return answer.json()
}

/** Sends a request through the sidecar, asks why it went as it did, and notes both in the log. */
export async function send(order) {
  const outcome = await attempt(order)
  const reason = await why(order)
  log(
    order,
    outcome,
    ...(reason.decision === 'allow'
      ? [reason.text]
      : [element('code', {}, reason.reason), ' ' + reason.text]),
  )
  return { outcome, reason }
}

export function browserSaid(outcome) {
  return outcome.readable ? outcome.status + (outcome.status < 400 ? ' OK' : '') : outcome.error
}

export function log(order, outcome, ...explanation) {
  const rows = byId('log').tBodies[0]
  rows.querySelector('.empty')?.remove()
  rows.prepend(
    element(
      'tr',
      {},
      element('td', {}, element('code', {}, order.method + ' /' + order.bucket + '/' + order.key)),
      element('td', {}, badge(outcome.readable, outcome.readable ? 'allowed' : 'refused')),
      element(
        'td',
        {},
        outcome.readable ? browserSaid(outcome) : element('span', { className: 'error' }, outcome.error),
      ),
      element('td', {}, ...explanation),
    ),
  )
  while (rows.rows.length > 100) rows.lastElementChild.remove()
}
`
