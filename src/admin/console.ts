import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Asset, consolePage, readPage } from './page-files.ts'

/** Path prefix of the page's files. */
const base = '/-/page/'

export async function readConsole(): Promise<ReadonlyMap<string, Asset>> {
  const [page, plot, plotCss] = await Promise.all([
    readPage(consolePage),
    readPackaged('uplot/dist/uPlot.iife.min.js'),
    readPackaged('uplot/dist/uPlot.min.css'),
  ])
  const served = [...page].map(([name, asset]): [string, Asset] => [
    name === 'index.html' ? '/' : `${base}${name}`,
    asset,
  ])
  return new Map([
    ...served,
    [`${base}uplot.js`, { type: 'text/javascript; charset=utf-8', body: plot }],
    [`${base}uplot.css`, { type: 'text/css; charset=utf-8', body: plotCss }],
  ])
}

const readPackaged = (file: string): Promise<string> =>
  readFile(createRequire(import.meta.url).resolve(file), 'utf8')
