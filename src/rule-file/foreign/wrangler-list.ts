import type { SourceEntry, SourceMap, SourceNode } from '../source.ts'
import { listAt, scalarAt } from './node.ts'

/** Labels in the output of `wrangler r2 bucket cors list`, and the field names of the same values in Cloudflare's API. */
const labels: Readonly<Record<string, string>> = {
  allowed_origins: 'origins',
  allowed_methods: 'methods',
  allowed_headers: 'headers',
  exposed_headers: 'exposeHeaders',
  max_age_seconds: 'maxAgeSeconds',
}

/** wrangler prints an unset value in words, such as "(no headers)"; the pattern skips such a line. */
const labelled =
  /^(allowed_origins|allowed_methods|allowed_headers|exposed_headers|max_age_seconds): +([^\s(].*)$/gm

/**
 * Reads the output of `wrangler r2 bucket cors list`, which is text, not JSON: lines of a label and a value, with the
 * origins first in each rule. `undefined` for any other text.
 */
export function readWranglerList(text: string): SourceNode | undefined {
  if (!/^allowed_origins: /m.test(text) || !/^allowed_methods: /m.test(text)) return undefined
  const rules: SourceEntry[][] = []
  for (const match of text.matchAll(labelled)) {
    const [, label = '', value = ''] = match
    const entry = entryAt(label, value.trimEnd(), match.index)
    if (label === 'allowed_origins' || rules.length === 0) rules.push([])
    rules.at(-1)?.push(entry)
  }
  if (rules.length === 0) return undefined
  const whole = { offset: 0, end: text.length }
  const items = rules.map(
    (entries): SourceMap => ({ kind: 'map', entries: grouped(entries), ...spanOf(entries) }),
  )
  const name = /^Listing CORS rules for bucket '([^'\n]+)'/dm.exec(text)?.indices?.[1]
  return {
    kind: 'map',
    entries: [
      { key: 'rules', keySpan: whole, value: listAt(items, whole) },
      ...(name === undefined ? [] : [{ key: 'bucket', keySpan: whole, value: textAt(text, ...name) }]),
    ],
    ...whole,
  }
}

const textAt = (text: string, offset: number, end: number): SourceNode =>
  scalarAt(text.slice(offset, end), { offset, end })

function entryAt(label: string, value: string, offset: number): SourceEntry {
  const keySpan = { offset, end: offset + label.length }
  const at = { offset, end: offset + label.length + 1 + value.length }
  const key = labels[label] ?? label
  if (label === 'max_age_seconds') return { key, keySpan, value: scalarAt(value, at) }
  return {
    key,
    keySpan,
    value: listAt(
      value.split(', ').map((item) => scalarAt(item, at)),
      at,
    ),
  }
}

/** Cloudflare's API has origins, methods and headers in a mapping `allowed`. */
function grouped(entries: readonly SourceEntry[]): readonly SourceEntry[] {
  const isAllowed = ({ key }: SourceEntry): boolean => /^(?:origins|methods|headers)$/.test(key)
  const span = spanOf(entries)
  return [
    { key: 'allowed', keySpan: span, value: { kind: 'map', entries: entries.filter(isAllowed), ...span } },
    ...entries.filter((entry) => !isAllowed(entry)),
  ]
}

const spanOf = (entries: readonly SourceEntry[]): { offset: number; end: number } => ({
  offset: entries[0]?.keySpan.offset ?? 0,
  end: entries.at(-1)?.value.end ?? 0,
})
