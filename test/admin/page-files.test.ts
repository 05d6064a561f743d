import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConsole } from '../../src/admin/console.ts'
import { consolePage, readPage } from '../../src/admin/page-files.ts'

const demoPage = new URL('../../src/demo/page/', import.meta.url)
const colours = readFileSync(new URL('shared.css', consolePage), 'utf8')

/** The demo serves this file of the console under its path there, so that its scripts can import it. */
const sharedWithDemo = ['../../admin/page/dom.js']

describe.each([
  ['the console', consolePage],
  ['the demo', demoPage],
])('the page of %s', (_name, folder) => {
  test('names only files that exist', async () => {
    const served = new Set(
      [...(await readConsole()).keys(), ...(await readPage(folder)).keys()].map((path) => basename(path)),
    )
    const { body = '' } = (await readPage(folder)).get('index.html') ?? {}
    const named = [...body.matchAll(/(?:src|href)="([^"#]*\.[a-z]+)"/g)].map(([, path = '']) =>
      basename(path),
    )
    expect(named.length).toBeGreaterThan(3)
    for (const name of named) expect(served).toContain(name)
  })

  test('takes its colours from shared.css only', async () => {
    const sheets = [...(await readPage(folder))].filter(
      ([name]) => name.endsWith('.css') && name !== 'shared.css',
    )
    expect(sheets).not.toHaveLength(0)
    for (const [, { body }] of sheets) {
      expect(body).not.toMatch(/#[0-9a-f]{3,8}\b|prefers-color-scheme/)
      for (const [, name] of body.matchAll(/var\((--[a-z-]+)\)/g)) expect(colours).toContain(`${name}:`)
    }
  })

  test('serves scripts that contain no types and import each other by their served names', async () => {
    const scripts = [...(await readPage(folder))].filter(([name]) => name.endsWith('.js'))
    const names = [...scripts.map(([name]) => `./${name}`), ...sharedWithDemo]
    expect(names).toContain('./main.js')
    for (const [, { body }] of scripts) {
      expect(body).not.toMatch(/\binterface\b|import type|\.ts'/)
      for (const [, imported] of body.matchAll(/\bfrom '([^']+)'/g)) expect(names).toContain(imported)
    }
  })
})
