import { type Candidates, type CandidatesOptions, createCandidates } from '../compare/candidates.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'

/** `undefined` without `--candidate-rules`. */
export function openCandidates(
  { candidateRules }: Settings,
  parts: Omit<CandidatesOptions, 'directory'>,
  metrics: Metrics,
): Candidates | undefined {
  if (candidateRules === undefined) return undefined
  const candidates = createCandidates({ directory: candidateRules, ...parts })
  for (const family of candidates.families) metrics.register(family)
  return candidates
}
