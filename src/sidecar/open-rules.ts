import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { FileState } from '../plan/snapshot.ts'
import { reportChurn } from '../rules/churn.ts'
import type { FileChange, ReloadResult } from '../rules/reload-result.ts'
import { createRulesStore, type RulesStore } from '../rules/store.ts'
import type { Settings } from '../settings/settings.ts'
import { StartProblem } from './start-problem.ts'

/**
 * Loads the rules for the first time; logs and counts every load. Rejects with {@link StartProblem} when the
 * directory is unusable, or with `strictStart` when a rule file has an error.
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
  // Only a failure leaves nothing loaded: files that keep changing are left to the next reload.
  if (failure !== undefined && snapshot.generation === 0)
    throw new StartProblem([`--rules ${settings.rules}: the directory cannot be read: ${failure}`])
  if (!settings.strictStart) return
  const errors = snapshot.files
    .flatMap(({ findings }) => findings)
    .filter(({ severity }) => severity === 'error')
    .map(({ file, line, column, code, message }) => `${file}:${line}:${column}: error ${code}: ${message}`)
  if (errors.length > 0) throw new StartProblem([...errors, '--strict-start: fix the rule files with errors'])
}

/**
 * Logs one line for the reload, and one with its position for each finding above `info`. `before` is the failure of
 * the previous reload: the same failure again, every few seconds, is logged only at level `debug`.
 */
function logReload(log: Log, directory: string, result: ReloadResult, before: string | undefined): void {
  for (const { file, line, column, severity, code, message } of result.findings)
    if (severity !== 'info')
      log[severity === 'error' ? 'error' : 'warn'](message, { 'code.file.path': file, line, column, code })
  const fields = {
    cause: result.cause,
    generation: result.snapshot.generation,
    changes: result.changes.slice(0, 20).map(changeText),
    ...(result.failure === undefined ? {} : { failure: result.failure }),
  }
  // At start the failure is reported as the reason to exit.
  if (result.failure !== undefined && result.cause !== 'start') {
    const level = result.failure === before ? 'debug' : 'error'
    log[level](
      `the rules directory ${directory} cannot be used: ${result.failure}; the current rules stay active`,
      fields,
    )
    return
  }
  if (before !== undefined) log.info(`the rules directory ${directory} can be used again`)
  const faulty = result.changes.filter(({ after }) => after === 'invalid' || after === 'stale')
  const outcome = result.result === 'failed' ? 'no new rules applied' : `rules ${result.result}`
  if (faulty.length > 0) log.warn(`${outcome}${exceptFor(faulty)}`, fields)
  else if (result.changes.length > 0) log.info(outcome, fields)
  else log.debug('rules unchanged', fields)
}

function changeText({ file, before, after }: FileChange): string {
  if (after === undefined) return `${file}: removed`
  return `${file}: ${before === undefined ? 'added' : 'changed'}${after === 'ok' ? '' : ` (${after})`}`
}

/** Names the files with errors, and the rules that apply in their place. */
function exceptFor(faulty: readonly FileChange[]): string {
  const inState = (state: FileState): readonly string[] =>
    faulty.filter(({ after }) => after === state).map(({ file }) => file)
  const named = (files: readonly string[]): string =>
    `${files.slice(0, maxNamed).join(', ')}${files.length > maxNamed ? ` and ${files.length - maxNamed} more` : ''}`
  const invalid = inState('invalid')
  const stale = inState('stale')
  const owner = invalid.length === 1 ? 'its' : 'their'
  return [
    invalid.length === 0
      ? ''
      : `; errors in ${named(invalid)}: ${owner} preflights are refused until the errors are fixed`,
    stale.length === 0
      ? ''
      : `; errors in ${named(stale)}: the last good rules stay until the errors are fixed`,
  ].join('')
}

const maxNamed = 5
