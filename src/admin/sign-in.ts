import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type AccessRefusal, readToken, whyOfAnotherSite } from './access.ts'
import { consolePage, readPage } from './page-files.ts'
import { readBody } from './read-body.ts'
import { json, type Reply } from './reply.ts'
import { endedSession, type Sessions, sameText } from './session.ts'

/** Where the sign-in page sends the token. */
export const signInPath = '/-/sign-in'
export const signOutPath = '/-/sign-out'

/** Longest body of a sign-in. */
const maxBodyBytes = 8192

/** Exchanges the token, sent by the page's form, for a session cookie. */
export async function signInReply(
  request: IncomingMessage,
  tokenFile: string | undefined,
  sessions: Sessions,
): Promise<Reply> {
  if (tokenFile === undefined)
    return json(404, { error: 'There is no token to sign in with: --admin-token-file is not given.' })
  const foreign = whyOfAnotherSite(request)
  if (foreign !== undefined) return json(403, { error: foreign })
  const body = await readBody(request, maxBodyBytes)
  if (body === undefined) return json(413, { error: 'That is more than a token can be.' })
  const sent = new URLSearchParams(body).get('token')?.trim() ?? ''
  const token = await readToken(tokenFile)
  if (token === undefined || !sameText(sent, token))
    return signInPage(401, 'This is not the token of --admin-token-file.')
  return seeOther(sessions.begin(request, token))
}

export function signOutReply(request: IncomingMessage): Reply {
  const foreign = whyOfAnotherSite(request)
  return foreign === undefined ? seeOther(endedSession(request)) : json(403, { error: foreign })
}

/** A refusal of the console, as a page that says what to do. */
export const refusalPage = ({ status, message }: AccessRefusal): Promise<Reply> =>
  status === 401
    ? signInPage(401, undefined)
    : page(status, 'The console is not open to this request', refusedText(message))

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
<p class="soft">The token is the content of the file that the sidecar was given with <code>--admin-token-file</code>. Programs send it as <code>Authorization: Bearer TOKEN</code>.</p>`,
  )

/** `message` is one of our own, without anything that was sent. */
const refusedText = (message: string): string => `<p class="alarm">${message}</p>
<p>To open the console, do one of these:</p>
<ol>
<li>On the machine of the sidecar, open <code>http://localhost:PORT/</code> with the port of <code>--admin</code>.</li>
<li>In Kubernetes, run <code>kubectl port-forward POD PORT</code>, and open <code>http://localhost:PORT/</code>.</li>
<li>Under another name, or behind a proxy: start the sidecar with <code>--admin-token-file FILE</code>, and sign in with the token in that file.</li>
</ol>`

/** Inline and named by its hash, because the files of the console are open to those alone who have signed in. */
async function readStyle(): Promise<{ readonly text: string; readonly source: string }> {
  const files = await readPage(consolePage)
  const text = ['shared.css', 'sign-in.css'].map((name) => files.get(name)?.body ?? '').join('')
  return { text, source: `'sha256-${createHash('sha256').update(text).digest('base64')}'` }
}

let style: ReturnType<typeof readStyle> | undefined

/** A page without its style is better than none, as when no more files can be opened. */
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
