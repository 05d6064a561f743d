import { codes } from '../../src/rule-file/lint/codes.ts'
import { table } from '../markdown.ts'
import { code, page, plain } from './markdown.ts'

export function lintCodesPage(): string {
  const rows = Object.entries(codes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { severity, or, text }]) => [
      `<a id="${name}"></a>${code(name)}`,
      [severity, ...or].join(' or '),
      plain(text),
    ])
  return page(
    'Lint codes',
    'The findings of `cors-sidecar check`, of the console and of `GET /-/rules`. A file with an error is not loaded; a warning makes only `check --strict` fail; an info never makes `check` fail. The usual severity comes first. A different severity applies in the case that the text names, or to values that came through `PUT ?cors` (in a file with `storedBy: api`). `cors-sidecar check --explain CODE` prints one of these texts. [Accept a warning](README.md) with a comment that gives the reason.',
    table(['code', 'severity', 'meaning'], rows),
    'For a request that the browser blocks, see [CORS errors and what they mean](../deploy/guides/cors-errors.md).',
  )
}
