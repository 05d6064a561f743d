import type { LeftOut, Suggested } from '../src/compare/suggest.ts'
import { visible } from '../src/text/visible.ts'
import { paint } from './paint.ts'

/** Lists the allowed and the left-out origins, so that someone can review them before the files are deployed. */
export function suggestSummary(result: Suggested, minRequests: number, colour: boolean): string {
  const { strong, warn } = paint(colour)
  const allowed = result.suggestions.flatMap(({ origins }) => origins)
  const count = (number: number, one: string, many = `${one}s`): string =>
    `${number} ${number === 1 ? one : many}`
  const row = (bucket: string, origin: string, requests: number, refused: number, more = ''): string =>
    `  ${visible(bucket)}  ${visible(origin)}  ${count(requests, 'request')}, ${refused === 0 ? 'none' : refused} refused so far${more}`
  return [
    `${count(result.lines, 'line')} read, ${count(result.suggestions.length, 'rule file')} suggested`,
    ...(allowed.length === 0 ? [] : [strong('Allowed by the suggested rules:')]),
    ...allowed.map(({ bucket, origin, requests, refused }) => row(bucket, origin, requests, refused)),
    ...(result.leftOut.length === 0 ? [] : [warn('Left out:')]),
    ...result.leftOut
      .slice(0, 100)
      .map((left) =>
        row(left.bucket, left.origin, left.requests, left.refused, `: ${reason(left, minRequests)}`),
      ),
    ...(result.leftOut.length > 100 ? [`  … and ${result.leftOut.length - 100} more`] : []),
    ...(result.overflow > 0
      ? [
          `  ${result.overflow} requests were ignored: the log has more than 50,000 pairs of bucket and origin`,
        ]
      : []),
    ...(allowed.length === 0
      ? []
      : ['Anyone can send any Origin. Check that each origin is yours before you deploy the rules.']),
    '',
  ].join('\n')
}

function reason({ why }: LeftOut, minRequests: number): string {
  switch (why) {
    case 'few':
      return `fewer than ${minRequests} requests`
    case 'not-allowable':
      return 'uses a method or header that no rule may allow'
    case 'too-many':
      return 'the rule file is full: split the bucket, or write a pattern'
    default:
      return `check reports ${why} (cors-sidecar check --explain ${why})`
  }
}
