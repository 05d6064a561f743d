import { closestMatch } from 'leven'

/** The candidate that `name` was most likely meant to be; `undefined` when none is near. Case, `-` and `_` do not count. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name)
  const plainCandidates = candidates.map(plain)
  const maxDistance = Math.max(1, Math.floor(wanted.length / 3))
  const match = closestMatch(wanted, plainCandidates, { maxDistance })
  return match === undefined ? undefined : candidates[plainCandidates.indexOf(match)]
}

/** Cut: the distance costs the product of both lengths, and no setting is longer. */
const plain = (name: string): string => name.slice(0, 64).toLowerCase().replaceAll(/[-_]/g, '')
