import type { Log } from '../log/log.ts'
import type { RulesStore } from '../rules/store.ts'
import { type Hint, type RulesWatch, watchRules } from '../rules/watch.ts'

/**
 * Calls `look` when the rules directory may have changed, and again soon after a failed look. Logs what prevents
 * watching.
 */
export function watchDirectory(
  directory: string,
  log: Log,
  store: Pick<RulesStore, 'subscribe'>,
  look: (hint: Hint) => void,
): RulesWatch {
  const watch = watchRules(directory, look, {
    onTrouble: ({ message, ...fields }) => log.warn(message, fields),
  })
  store.subscribe(({ failure }) => {
    if (failure !== undefined) watch.failed()
  })
  return watch
}
