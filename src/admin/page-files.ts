import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { extname } from 'node:path'

export interface Asset {
  readonly type: string
  readonly body: string
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export const consolePage = new URL('./page/', import.meta.url)

/**
 * The files of a page by name, for example `main.js`. Scripts are `.ts` in a checkout and `.js` in the built package; a
 * browser gets `.js` from both.
 */
export async function readPage(folder: URL): Promise<ReadonlyMap<string, Asset>> {
  const names = (await readdir(folder)).filter((name) => extname(name) === '.ts' || extname(name) in types)
  const files = names.map(async (name): Promise<[string, Asset]> => {
    const text = await readFile(new URL(name, folder), 'utf8')
    if (extname(name) !== '.ts') return [name, { type: types[extname(name)] ?? '', body: text }]
    return [name.replace(/ts$/, 'js'), { type: types['.js'] ?? '', body: withoutTypes(text) }]
  })
  return new Map(await Promise.all(files))
}

/** Strips the types and keeps the line numbers. */
function withoutTypes(text: string): string {
  // Node strips types without a warning when it runs the program, but warns when this function is called.
  const warn = process.emitWarning
  process.emitWarning = () => undefined
  try {
    return (
      stripTypeScriptTypes(text)
        .replaceAll(/(\bfrom '\.[^'\n]*)\.ts'/g, "$1.js'")
        // Stripped types leave spaces, which are part of what the browser loads.
        .replaceAll(/ +$/gm, '')
    )
  } finally {
    process.emitWarning = warn
  }
}
