import { pageCss } from './css.ts'
import { domScript } from './dom.ts'
import { pageHtml, pageIcon } from './html.ts'
import { mainScript } from './main.ts'
import { refusalsScript } from './refusals.ts'
import { requestsScript } from './requests.ts'
import { transfersScript } from './transfers.ts'

/** One file of the page. */
export interface Asset {
  readonly type: string
  readonly body: string
}

const script = (body: string): Asset => ({ type: 'text/javascript; charset=utf-8', body })

/**
 * The page's files by path. They are texts in modules, not files beside them: so the page is there from a checkout and
 * from the compiled package alike, and nothing is read when the demo starts.
 */
export const assets: ReadonlyMap<string, Asset> = new Map([
  ['/', { type: 'text/html; charset=utf-8', body: pageHtml }],
  ['/page.css', { type: 'text/css; charset=utf-8', body: pageCss }],
  ['/icon.svg', { type: 'image/svg+xml', body: pageIcon }],
  ['/main.js', script(mainScript)],
  ['/dom.js', script(domScript)],
  ['/requests.js', script(requestsScript)],
  ['/transfers.js', script(transfersScript)],
  ['/refusals.js', script(refusalsScript)],
])
