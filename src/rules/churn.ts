import type { ReloadResult } from './reload-result.ts'

/** Milliseconds that a change may stay unfinished before it is reported. */
const patience = 5_000

/**
 * Warns about files that keep changing, because they are not loaded and their last good rules stay active. Warns once
 * for each file, and again only after it has been adopted.
 */
export function reportChurn(
  warn: (message: string, fields: { readonly 'code.file.path': string }) => void,
  now: () => number = () => performance.now(),
): (result: Pick<ReloadResult, 'pending'>) => void {
  let since = new Map<string, { readonly at: number; reported: boolean }>()
  return ({ pending }) => {
    since = new Map(pending.map((file) => [file, since.get(file) ?? { at: now(), reported: false }]))
    for (const [file, state] of since) {
      if (state.reported || now() - state.at < patience) continue
      state.reported = true
      warn(
        `${file} keeps changing and is not loaded: its last good rules stay active. Write it under another name in the same directory, then rename it`,
        { 'code.file.path': file },
      )
    }
  }
}
