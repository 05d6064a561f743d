import { createHash } from 'node:crypto'
import { type Reason, reasons } from '../cors/decide.ts'
import type { DenialGroup } from '../requests/denials.ts'

/** Which groups of denials are asked for. An empty text chooses all. */
interface DenialFilter {
  /** Parts of the names, in lower case. */
  readonly bucket: string
  readonly origin: string
  readonly reason: Reason | undefined
  /** The id of one group. */
  readonly group: string
}

/** The filter of a query string, or what is wrong with it. */
export function readFilter(query: URLSearchParams): DenialFilter | string {
  const value = (name: string): string => (query.get(name) ?? '').trim()
  const asked = value('reason')
  const reason = reasons.find((known) => known === asked)
  if (asked !== '' && reason === undefined)
    return `There is no reason ${JSON.stringify(asked)}; known are ${reasons.join(', ')}.`
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

/** A name for a group that fits into a URL, as an origin of 512 characters does not. */
export const groupId = ({
  bucket,
  origin,
  reason,
}: Pick<DenialGroup, 'bucket' | 'origin' | 'reason'>): string =>
  createHash('sha256')
    .update(JSON.stringify([bucket, origin, reason]))
    .digest('base64url')
    .slice(0, 16)
