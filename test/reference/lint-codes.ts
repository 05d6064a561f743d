import { codes } from '../../src/rule-file/lint/codes.ts'
import { table } from '../markdown.ts'
import { code, page } from './markdown.ts'

export function lintCodesPage(): string {
  const rows = Object.entries(codes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { severity, or, text }]) => [
      `<a id="${name}"></a>${code(name)}`,
      [severity, ...or].join(' or '),
      text,
    ])
  return page(
    'Lint codes',
    'The findings of `cors-sidecar check`, of the console and of `GET /-/rules`. A file with an error is not loaded; a warning counts with `check --strict`; an info never counts. The usual severity comes first; another one applies in the case that the text names, or to a value that the API of the vendor has stored. `cors-sidecar check --explain CODE` prints one of these texts. [Accept a warning](README.md) with a comment that gives the reason.',
    table(['code', 'severity', 'meaning'], rows),
    'For a request that the browser blocks, see [CORS errors and what they mean](../deploy/guides/cors-errors.md).',
  )
}
