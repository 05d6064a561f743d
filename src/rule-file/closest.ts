import { closestMatch } from 'leven'

/**
 * The candidate that `name` was probably meant to be; `undefined` when none is close. Ignores case, `-` and `_`.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name)
  const plainCandidates = candidates.map(plain)
  const maxDistance = Math.max(1, Math.floor(wanted.length / 3))
  const match = closestMatch(wanted, plainCandidates, { maxDistance })
  return match === undefined ? undefined : candidates[plainCandidates.indexOf(match)]
}

/** Cut, because the edit distance takes time proportional to the product of both lengths. No setting name is longer. */
const plain = (name: string): string => name.slice(0, 64).toLowerCase().replaceAll(/[-_]/g, '')
