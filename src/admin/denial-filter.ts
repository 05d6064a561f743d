import { createHash } from 'node:crypto'
import { type Reason, reasons } from '../cors/decide.ts'
import type { DenialGroup } from '../requests/denials.ts'

/** Which groups of denials to return. An empty string matches all. */
interface DenialFilter {
  /** Substrings, in lower case. */
  readonly bucket: string
  readonly origin: string
  readonly reason: Reason | undefined
  /** Id of one group. */
  readonly group: string
}

/** Returns an error message if the query is not valid. */
export function readFilter(query: URLSearchParams): DenialFilter | string {
  const value = (name: string): string => (query.get(name) ?? '').trim()
  const asked = value('reason')
  const reason = reasons.find((known) => known === asked)
  if (asked !== '' && reason === undefined)
    return `Unknown reason ${JSON.stringify(asked)}; use one of ${reasons.join(', ')}.`
  return {
    bucket: value('bucket').toLowerCase(),
    origin: value('origin').toLowerCase(),
    reason,
    group: value('group'),
  }
}

export const chooseGroups = (
  groups: readonly DenialGroup[],
  { bucket, origin, reason, group }: DenialFilter,
): readonly DenialGroup[] =>
  groups.filter(
    (one) =>
      (one.bucket ?? '').toLowerCase().includes(bucket) &&
      (one.origin ?? '').toLowerCase().includes(origin) &&
      (reason === undefined || one.reason === reason) &&
      (group === '' || groupId(one) === group),
  )

/** A short id for use in a URL: origins have up to 512 characters. */
export const groupId = ({
  bucket,
  origin,
  reason,
}: Pick<DenialGroup, 'bucket' | 'origin' | 'reason'>): string =>
  createHash('sha256')
    .update(JSON.stringify([bucket, origin, reason]))
    .digest('base64url')
    .slice(0, 16)
