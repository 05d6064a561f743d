import { readdir, readFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { pageCss } from './css.ts'
import { icon, pageHtml } from './html.ts'

/** One file of the console. */
export interface Asset {
  readonly type: string
  readonly body: string
}

/** Where the files of the page stand, as the page names them. */
const base = '/-/page/'
const script = 'text/javascript; charset=utf-8'

/** Reads the files of the console's page, by path. Its scripts are the modules of `../page`, as they are built or not. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const [modules, plot, plotCss] = await Promise.all([
    readModules(),
    readPackaged('uplot/dist/uPlot.iife.min.js'),
    readPackaged('uplot/dist/uPlot.min.css'),
  ])
  const extension = modules.has('main.ts') ? '.ts' : '.js'
  return new Map<string, Asset>([
    ['/', { type: 'text/html; charset=utf-8', body: pageHtml(base, `${base}main${extension}`) }],
    [`${base}console.css`, { type: 'text/css; charset=utf-8', body: pageCss }],
    [`${base}icon.svg`, { type: 'image/svg+xml', body: icon }],
    [`${base}uplot.js`, { type: script, body: plot }],
    [`${base}uplot.css`, { type: 'text/css; charset=utf-8', body: plotCss }],
    ...[...modules].map(([name, body]) => [`${base}${name}`, { type: script, body }] as const),
  ])
}

const readPackaged = (file: string): Promise<string> =>
  readFile(createRequire(import.meta.url).resolve(file), 'utf8')

async function readModules(): Promise<Map<string, string>> {
  const folder = new URL('../page/', import.meta.url)
  const names = (await readdir(folder)).filter((name) => /^[a-z-]+\.[jt]s$/.test(name))
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))
  return new Map(
    names.map((name, index) => [
      name,
      name.endsWith('.ts') ? strip(texts[index] ?? '') : (texts[index] ?? ''),
    ]),
  )
}

/** A module as it stands in a checkout, without its types. A browser takes what is left, as Node does. */
function strip(text: string): string {
  // Node runs the whole program like this without a word, but warns of the function that does it.
  const warn = process.emitWarning
  process.emitWarning = () => undefined
  try {
    return stripTypeScriptTypes(text)
  } finally {
    process.emitWarning = warn
  }
}
