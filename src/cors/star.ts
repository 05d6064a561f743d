/** An entry with one `*`, which stands for any text, split at the `*`. */
export interface StarPattern {
  readonly prefix: string
  readonly suffix: string
}

/** `undefined` for an entry without a `*`. */
export function readStar(entry: string): StarPattern | undefined {
  const star = entry.indexOf('*')
  return star < 0 ? undefined : { prefix: entry.slice(0, star), suffix: entry.slice(star + 1) }
}

/** Whether the pattern matches all of `text`. The length check keeps `a*a` from matching `a`. */
export function matchesStar(text: string, { prefix, suffix }: StarPattern): boolean {
  return (
    text.length >= prefix.length + suffix.length &&
    text.startsWith(prefix) &&
    (suffix === '' || text.endsWith(suffix))
  )
}
