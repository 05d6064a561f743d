import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type AccessRefusal, readToken, whyCrossSite } from './access.ts'
import { consolePage, readPage } from './page-files.ts'
import { readBody } from './read-body.ts'
import { json, type Reply } from './reply.ts'
import { endedSession, type Sessions, sameText } from './session.ts'

export const signInPath = '/-/sign-in'
export const signOutPath = '/-/sign-out'

/** Longer bodies of a sign-in get 413. */
const maxBodyBytes = 8192

/** Exchanges the token from the form for a session cookie. */
export async function signInReply(
  request: IncomingMessage,
  tokenFile: string | undefined,
  sessions: Sessions,
): Promise<Reply> {
  if (tokenFile === undefined)
    return json(404, { error: 'Sign-in is off: start the sidecar with --admin-token-file.' })
  const reason = whyCrossSite(request)
  if (reason !== undefined) return json(403, { error: reason })
  const body = await readBody(request, maxBodyBytes)
  if (body === undefined) return json(413, { error: 'The token is too long.' })
  const sent = new URLSearchParams(body).get('token')?.trim() ?? ''
  const token = await readToken(tokenFile)
  if (token === undefined)
    return signInPage(
      401,
      'The file of --admin-token-file cannot be used: make it a readable file that contains only the token.',
    )
  if (!sameText(sent, token)) return signInPage(401, 'This is not the token in --admin-token-file.')
  return seeOther(sessions.begin(request, token))
}

export function signOutReply(request: IncomingMessage): Reply {
  const reason = whyCrossSite(request)
  return reason === undefined ? seeOther(endedSession(request)) : json(403, { error: reason })
}

/** A page that says why the console is refused, and what to do. */
export const refusalPage = ({ status, message }: AccessRefusal): Promise<Reply> =>
  status === 401
    ? signInPage(401, undefined)
    : page(status, 'The console refused this request', refusedText(message))

const seeOther = (cookie: string): Reply => ({
  status: 303,
  type: 'text/plain; charset=utf-8',
  body: '',
  headers: { Location: '/', 'Set-Cookie': cookie },
})

const signInPage = (status: number, problem: string | undefined): Promise<Reply> =>
  page(
    status,
    'Sign in',
    `${problem === undefined ? '' : `<p class="alarm" id="problem" role="alert">${problem}</p>`}
<form method="post" action="${signInPath}">
<div><label for="token">Token</label>
<input id="token" type="password" name="token" autocomplete="current-password" required autofocus${problem === undefined ? '' : ' aria-invalid="true" aria-describedby="problem"'}></div>
<button>Sign in</button>
</form>
<p class="soft">The token is in the file that <code>--admin-token-file</code> names. Programs send it as <code>Authorization: Bearer TOKEN</code>.</p>`,
  )

/** `message` is not escaped: it must not contain anything from the request. */
const refusedText = (message: string): string => `<p class="alarm">${message}</p>
<p>To open the console, do one of these:</p>
<ol>
<li>On the machine where the sidecar runs, open <code>http://localhost:PORT/</code> with the port of <code>--admin</code>.</li>
<li>In Kubernetes, run <code>kubectl port-forward POD PORT</code>, and open <code>http://localhost:PORT/</code>.</li>
<li>Under another name, or behind a proxy: start the sidecar with <code>--admin-token-file FILE</code>, and sign in with the token in that file.</li>
</ol>`

/** The style is inline, allowed by its hash, because the files of the console are served only after sign-in. */
async function readStyle(): Promise<{ readonly text: string; readonly source: string }> {
  const files = await readPage(consolePage)
  const text = ['shared.css', 'sign-in.css'].map((name) => files.get(name)?.body ?? '').join('')
  return { text, source: `'sha256-${createHash('sha256').update(text).digest('base64')}'` }
}

let style: ReturnType<typeof readStyle> | undefined

/** Falls back to a page without style if the files cannot be read, for example with too many open files. */
async function currentStyle(): ReturnType<typeof readStyle> {
  style ??= readStyle()
  return style.catch(() => {
    style = undefined
    return { text: '', source: "'none'" }
  })
}

async function page(status: number, title: string, body: string): Promise<Reply> {
  const { text, source } = await currentStyle()
  const policy = `default-src 'none'; style-src ${source}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`
  return {
    status,
    type: 'text/html; charset=utf-8',
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · cors-sidecar</title>
<style>${text}</style>
</head>
<body>
<main>
<p class="product">cors-sidecar console</p>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`,
    headers: { 'Content-Security-Policy': policy },
  }
}
