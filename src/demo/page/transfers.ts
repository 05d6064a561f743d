/** Steps 1 to 3: without the sidecar, upload, read back. */
export const transfersScript = String.raw`import { badge, byId, element, fold, note, table, verdict } from './dom.js'
import { attempt, browserSaid, here, log, objectUrl, send, setup } from './requests.js'

export async function askDirectly() {
  const order = { method: 'GET', bucket: 'photos', key: 'welcome.txt' }
  const outcome = await attempt(order, setup.storeOrigin)
  log(order, outcome, 'not asked: the request went straight to the store')
  byId('direct-result').replaceChildren(
    verdict(
      outcome.readable,
      outcome.readable ? 'readable' : 'refused by the browser',
      element('span', { className: 'error' }, browserSaid(outcome)),
    ),
    note('That is all a script learns. With the sidecar in front, the same object can be read:'),
    element(
      'p',
      {},
      element('code', {}, 'GET ' + objectUrl(setup.sidecarOrigin, order.bucket, order.key)),
      ' ',
      badge((await send(order)).outcome.readable, 'through the sidecar'),
    ),
  )
}

/** The object that was uploaded last. */
export let uploadedKey = 'welcome.txt'

function uploadOrder() {
  const file = byId('upload-file').files[0]
  const author = byId('upload-author').value
  return {
    method: 'PUT',
    bucket: 'photos',
    key: file ? file.name : 'hello.txt',
    headers: {
      'content-type': file ? file.type || 'application/octet-stream' : 'text/plain',
      'x-meta-author': author,
    },
    body: file ?? byId('upload-text').value,
  }
}

export async function upload() {
  const order = uploadOrder()
  const { outcome, reason } = await send(order)
  if (outcome.readable && outcome.status === 200) uploadedKey = order.key
  byId('upload-result').replaceChildren(
    verdict(
      outcome.readable && outcome.status < 400,
      outcome.readable ? 'status ' + outcome.status : 'refused by the browser',
      outcome.readable
        ? 'ETag ' + outcome.headers.get('etag')
        : element('span', { className: 'error' }, outcome.error),
    ),
    note(reason.text),
    fold('The preflight and its answer', reason.exchange),
  )
}

export async function readBack() {
  const order = { method: 'GET', bucket: 'photos', key: uploadedKey }
  const { outcome, reason } = await send(order)
  if (!outcome.readable) {
    byId('read-result').replaceChildren(
      verdict(false, 'refused by the browser', element('span', { className: 'error' }, outcome.error)),
      note(reason.text),
    )
    return
  }
  const wire = await (
    await fetch('/wire?' + new URLSearchParams({ bucket: order.bucket, key: order.key, origin: here }))
  ).json()
  const own = new Set(['etag', 'x-meta-author', 'x-store-node', 'content-type'])
  const [main, others] = [true, false].map((wanted) =>
    wire.headers.filter(([name]) => own.has(name.toLowerCase()) === wanted),
  )
  byId('read-result').replaceChildren(
    verdict(outcome.status < 400, 'status ' + outcome.status, element('code', {}, order.key)),
    await preview(outcome),
    headerTable(main, outcome.headers),
    element('details', {}, element('summary', {}, 'The other headers'), headerTable(others, outcome.headers)),
  )
}

function headerTable(headers, seen) {
  return table(
    ['Header', 'On the wire', 'The script sees'],
    headers.map(([name, value]) => {
      const visible = seen.get(name)
      return element(
        'tr',
        {},
        element('th', { scope: 'row' }, name),
        element('td', {}, value),
        visible === null
          ? element('td', { className: 'hidden-value' }, 'null (hidden)')
          : element('td', {}, visible === value ? '✓ the same' : visible),
      )
    }),
  )
}

async function preview(outcome) {
  if (outcome.body.type.startsWith('image/')) {
    const image = element('img', {
      className: 'preview',
      alt: 'What was uploaded',
      src: URL.createObjectURL(outcome.body),
    })
    image.addEventListener('load', () => URL.revokeObjectURL(image.src))
    return image
  }
  if (/^text\/|json|xml/.test(outcome.body.type) && outcome.body.size < 10000)
    return element('pre', { tabindex: '0' }, await outcome.body.text())
  return note(outcome.body.size + ' bytes of ' + (outcome.body.type || 'unknown type'))
}
`
