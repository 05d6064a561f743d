/// <reference lib="dom" />
/** Steps 1 to 3: without the sidecar, upload, download. */

import { byId, h } from '../../admin/page/dom.ts'
import type { HeaderPairs } from '../../plan/explained.ts'
import { badge, fold, note, resultLine, table, wrapped } from './dom.ts'
import {
  attempt,
  browserSaid,
  here,
  log,
  type Order,
  type Outcome,
  objectUrl,
  send,
  setup,
} from './requests.ts'

export async function askDirectly(): Promise<void> {
  const order: Order = { method: 'GET', bucket: 'photos', key: 'welcome.txt' }
  const outcome = await attempt(order, setup.storeOrigin)
  log(order, outcome, 'not involved: the request went straight to the store')
  byId('direct-result').replaceChildren(
    resultLine(
      outcome.readable,
      outcome.readable ? 'readable' : 'blocked by the browser',
      h('span', { class: 'error' }, browserSaid(outcome)),
    ),
    note('That is all a script learns. Through the sidecar, the page can read the same object:'),
    h(
      'p',
      {},
      h('code', {}, `GET ${objectUrl(setup.sidecarOrigin, order.bucket, order.key)}`),
      ' ',
      badge((await send(order)).outcome.readable, 'through the sidecar'),
    ),
  )
}

/** The header lines that the sidecar sent. */
interface Wire {
  readonly status: number
  readonly headers: HeaderPairs
}

/** Key of the last upload. */
export let uploadedKey = 'welcome.txt'

function uploadOrder(): Order {
  const file = byId('upload-file', HTMLInputElement).files?.[0]
  const author = byId('upload-author', HTMLInputElement).value
  return {
    method: 'PUT',
    bucket: 'photos',
    key: file ? file.name : 'hello.txt',
    headers: {
      'content-type': file ? file.type || 'application/octet-stream' : 'text/plain',
      'x-meta-author': author,
    },
    body: file ?? byId('upload-text', HTMLTextAreaElement).value,
  }
}

export async function upload(): Promise<void> {
  const order = uploadOrder()
  const { outcome, reason } = await send(order)
  if (outcome.readable && outcome.status === 200) uploadedKey = order.key
  byId('upload-result').replaceChildren(
    resultLine(
      outcome.readable && outcome.status < 400,
      outcome.readable ? `status ${outcome.status}` : 'blocked by the browser',
      outcome.readable ? `ETag ${outcome.headers.get('etag')}` : h('span', { class: 'error' }, outcome.error),
    ),
    note(reason.text),
    fold('Preflight and response', reason.exchange),
  )
}

export async function readBack(): Promise<void> {
  const order: Order = { method: 'GET', bucket: 'photos', key: uploadedKey }
  const { outcome, reason } = await send(order)
  if (!outcome.readable) {
    byId('read-result').replaceChildren(
      resultLine(false, 'blocked by the browser', h('span', { class: 'error' }, outcome.error)),
      note(reason.text),
    )
    return
  }
  const question = new URLSearchParams({ bucket: order.bucket, key: order.key, origin: here })
  const wire: Wire = JSON.parse(await (await fetch(`/wire?${question}`)).text())
  const own = new Set(['etag', 'x-meta-author', 'x-store-node', 'content-type'])
  const headersThat = (wanted: boolean): HeaderPairs =>
    wire.headers.filter(([name]) => own.has(name.toLowerCase()) === wanted)
  byId('read-result').replaceChildren(
    resultLine(outcome.status < 400, `status ${outcome.status}`, h('code', {}, order.key)),
    await preview(outcome),
    headerTable('Headers of the object', headersThat(true), outcome.headers),
    h(
      'details',
      {},
      h('summary', {}, 'Other headers'),
      headerTable('Other headers', headersThat(false), outcome.headers),
    ),
  )
}

function headerTable(title: string, headers: HeaderPairs, seen: Headers): HTMLElement {
  return table(
    title,
    ['Header', 'On the wire', 'The script sees'],
    headers.map(([name, value]) => {
      const visible = seen.get(name)
      return h(
        'tr',
        {},
        h('th', { scope: 'row' }, name),
        h('td', {}, value),
        visible === null
          ? h('td', { class: 'hidden-value' }, 'null (hidden)')
          : h('td', {}, visible === value ? '✓ the same' : visible),
      )
    }),
  )
}

async function preview(outcome: Outcome & { readonly readable: true }): Promise<HTMLElement> {
  if (outcome.body.type.startsWith('image/')) {
    const image = h('img', {
      class: 'preview',
      alt: 'The uploaded image',
      src: URL.createObjectURL(outcome.body),
    })
    image.addEventListener('load', () => URL.revokeObjectURL(image.src))
    return image
  }
  if (/^text\/|json|xml/.test(outcome.body.type) && outcome.body.size < 10000)
    return wrapped(await outcome.body.text())
  return note(`${outcome.body.size} bytes of ${outcome.body.type || 'unknown type'}`)
}
