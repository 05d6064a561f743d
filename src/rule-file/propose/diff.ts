import { formatPatch, structuredPatch } from 'diff'

/** The unified diff of a rule file, as `git apply` and `patch -p1` take it. `before` is absent for a new file. */
export function unifiedDiff(file: string, before: string | undefined, after: string): string {
  const from = before === undefined ? '/dev/null' : `a/${file}`
  const patch = structuredPatch(from, `b/${file}`, before ?? '', after, undefined, undefined, { context: 3 })
  const text = formatPatch(patch)
  // Lines above it are for readers of svn only.
  return text.slice(text.indexOf('--- '))
}

/** Line of the old file at which the first change of a unified diff stands; of a new file 1. */
export function changedLine(diff: string): number {
  const lines = diff.split('\n')
  const hunk = lines.findIndex((line) => line.startsWith('@@'))
  const start = Number(/^@@ -([0-9]+)/.exec(lines[hunk] ?? '')?.[1] ?? 1)
  const unchanged = lines.slice(hunk + 1).findIndex((line) => !line.startsWith(' '))
  return Math.max(1, start + Math.max(0, unchanged))
}
