/** What a script on the page can observe of a request. */
export type Seen =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }
  /** The browser hid the response from the script. */
  | { readonly kind: 'blocked'; readonly error: string }

/**
 * One page for all dialects. Its script defines `request(url, init)`, `requestFromSandbox(url, init)` (the same in
 * a sandboxed frame, whose origin is `null`) and `showImage(url)`.
 */
export const dialectPage = `<!doctype html>
<meta charset="utf-8">
<title>dialects</title>
<script>
async function request(url, init) {
  try {
    const response = await fetch(url, init)
    return { kind: 'answer', status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  } catch (error) {
    return { kind: 'blocked', error: String(error) }
  }
}

function requestFromSandbox(url, init) {
  return new Promise((resolve) => {
    const frame = document.createElement('iframe')
    frame.sandbox = 'allow-scripts'
    addEventListener('message', function reported(event) {
      if (event.source !== frame.contentWindow) return
      removeEventListener('message', reported)
      frame.remove()
      resolve(event.data)
    })
    const call = 'request(' + JSON.stringify(url) + ',' + JSON.stringify(init) + ')'
    frame.srcdoc = '<script>' + request + ';' + call + '.then((seen) => parent.postMessage(seen, "*"))<' + '/script>'
    document.body.append(frame)
  })
}

function showImage(url) {
  return new Promise((resolve) => {
    const image = new Image()
    image.onload = () => resolve('shown')
    image.onerror = () => resolve('failed')
    image.src = url
  })
}
</script>
`
