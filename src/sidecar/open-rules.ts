import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { FileState } from '../plan/snapshot.ts'
import { reportChurn } from '../rules/churn.ts'
import type { FileChange, ReloadResult } from '../rules/reload-result.ts'
import { createRulesStore, type RulesStore } from '../rules/store.ts'
import type { Settings } from '../settings/settings.ts'
import { StartProblem } from './start-problem.ts'

/**
 * Loads the rules for the first time, and has every load logged and counted. Rejects with {@link StartProblem} when
 * there is nothing to serve, or with `strictStart` an error in a rule file.
 */
export async function openRules(settings: Settings, log: Log, metrics: Metrics): Promise<RulesStore> {
  const store = createRulesStore({ directory: settings.rules, dialect: settings.dialect })
  let failure: string | undefined
  const churn = reportChurn(log.warn)
  store.subscribe((result) => {
    churn(result)
    metrics.reload(result, Date.now())
    logReload(log, settings.rules, result, failure)
    failure = result.failure
  })
  refuseStart(settings, await store.reload('start'))
  if (store.current().files.length === 0)
    log.warn(
      settings.unconfigured === 'refuse'
        ? `no rule files in ${settings.rules}: every preflight is refused; add a file BUCKET.yaml, or check --rules`
        : `no rule files in ${settings.rules}: CORS is left to the store; add a file BUCKET.yaml, or check --rules`,
    )
  return store
}

function refuseStart(settings: Settings, { failure, snapshot }: ReloadResult): void {
  if (snapshot.generation === 0)
    throw new StartProblem([
      `--rules ${settings.rules}: the directory cannot be read: ${failure ?? 'it changes all the time'}`,
    ])
  if (!settings.strictStart) return
  const errors = snapshot.files
    .flatMap(({ findings }) => findings)
    .filter(({ severity }) => severity === 'error')
    .map(({ file, line, column, code, message }) => `${file}:${line}:${column}: error ${code}: ${message}`)
  if (errors.length > 0) throw new StartProblem([...errors, '--strict-start: a rule file has an error'])
}

/**
 * One line for the reload, one for each finding: an error is logged with its place, whatever else changed. `before` is
 * the failure of the reload before: the same one again, every few seconds, is not told again.
 */
function logReload(log: Log, directory: string, result: ReloadResult, before: string | undefined): void {
  for (const { file, line, column, severity, code, message } of result.findings)
    if (severity !== 'info')
      log[severity === 'error' ? 'error' : 'warn'](message, { 'code.file.path': file, line, column, code })
  const fields = {
    cause: result.cause,
    generation: result.snapshot.generation,
    changes: result.changes
      .slice(0, 20)
      .map(({ file, before, after }) => `${file}: ${before ?? 'new'} to ${after ?? 'gone'}`),
    ...(result.failure === undefined ? {} : { failure: result.failure }),
  }
  // At the start it is told as the reason to end.
  if (result.failure !== undefined && result.cause !== 'start') {
    const level = result.failure === before ? 'debug' : 'error'
    log[level](`the rules directory ${directory} cannot be used; the rules stay as they are`, fields)
    return
  }
  if (before !== undefined) log.info(`the rules directory ${directory} can be used again`)
  const faulty = result.changes.filter(({ after }) => after === 'invalid' || after === 'stale')
  if (faulty.length > 0) log.warn(`rules ${result.result}${exceptFor(faulty)}`, fields)
  else if (result.changes.length > 0) log.info(`rules ${result.result}`, fields)
  else log.debug('rules unchanged', fields)
}

/** Names the files that have errors, and what answers in their place. */
function exceptFor(faulty: readonly FileChange[]): string {
  const named = (state: FileState): string => {
    const files = faulty.filter(({ after }) => after === state).map(({ file }) => file)
    const more = files.length > maxNamed ? ` and ${files.length - maxNamed} more` : ''
    return files.length === 0 ? '' : `${files.slice(0, maxNamed).join(', ')}${more}`
  }
  const invalid = named('invalid')
  const stale = named('stale')
  return [
    invalid === '' ? '' : `; errors in ${invalid}: no page is let in there until they are fixed`,
    stale === '' ? '' : `; errors in ${stale}: the last good rules stay until they are fixed`,
  ].join('')
}

const maxNamed = 5
