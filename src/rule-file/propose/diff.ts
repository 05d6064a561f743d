import { formatPatch, structuredPatch } from 'diff'

/** A unified diff for `git apply` and `patch -p1`. `before` is absent for a new file. */
export function unifiedDiff(file: string, before: string | undefined, after: string): string {
  const from = before === undefined ? '/dev/null' : `a/${file}`
  const patch = structuredPatch(from, `b/${file}`, before ?? '', after, undefined, undefined, { context: 3 })
  const text = formatPatch(patch)
  // Drops the lines that formatPatch writes above the diff, which only svn uses.
  return text.slice(text.indexOf('--- '))
}

/** The line of the old file with the first change of a unified diff; 1 for a new file. */
export function changedLine(diff: string): number {
  const lines = diff.split('\n')
  const hunk = lines.findIndex((line) => line.startsWith('@@'))
  const start = Number(/^@@ -([0-9]+)/.exec(lines[hunk] ?? '')?.[1] ?? 1)
  const unchanged = lines.slice(hunk + 1).findIndex((line) => !line.startsWith(' '))
  return Math.max(1, start + Math.max(0, unchanged))
}
