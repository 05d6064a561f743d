import { paint } from './paint.ts'

interface BannerFacts {
  readonly version: string
  readonly store: string
  readonly rules: string
  readonly buckets: number
  readonly dialect: string
  readonly data: string
  readonly console: string
}

/** Shown when `serve` starts on a terminal. */
export function banner(facts: BannerFacts, colour: boolean): string {
  const { strong } = paint(colour)
  const { version, store, rules, buckets, dialect, data, console } = facts
  return `${strong(`cors-sidecar ${version}`)}
  store    ${store}
  rules    ${rules} (${buckets} ${buckets === 1 ? 'rule file' : 'rule files'}, dialect ${dialect})
  data     ${data}/
  console  ${console}/
Ctrl-C drains and stops.

`
}
