import { resolve } from 'node:path'
import { locateSettings, type Settings } from '../src/settings/settings.ts'
import { endpointOf, storeOf } from '../src/sidecar/endpoint.ts'
import { type Sidecar, startSidecar } from '../src/sidecar/sidecar.ts'
import { StartProblem } from '../src/sidecar/start-problem.ts'
import { programVersion } from '../src/version.ts'
import { banner } from './banner.ts'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'

/**
 * Serves until a termination signal. Resolves with 0 after a drain; with 2 when a setting is unusable, after
 * printing one line per reason. A second signal ends it at once.
 */
export async function runServe(settings: Settings, terminal: Terminal, signals: Signals): Promise<0 | 2> {
  try {
    const start =
      settings.workers === 1 ? startSidecar : (await import('../src/workers/primary.ts')).startWorkers
    const located: Settings = {
      ...locateSettings(settings, (path) => resolve(terminal.cwd, path)),
      logFormat: settings.logFormat ?? (terminal.isInteractive === true ? 'text' : 'json'),
    }
    const starting = start(located, signals.onExit)
    // Registered before the start is complete: without a listener, SIGHUP would end the process.
    signals.onReload(() => void starting.then((sidecar) => sidecar.reload('signal'), ignore))
    const sidecar = await starting
    const { dataAddress, adminAddress, log, ruleFiles } = sidecar
    if (terminal.isInteractive === true) terminal.err(bannerOf(settings, sidecar, terminal.colour))
    log.info('serving', {
      store: storeOf(settings),
      rules: located.rules,
      dialect: settings.dialect,
      buckets: ruleFiles,
      'server.address': dataAddress.address,
      'server.port': dataAddress.port,
      'admin.address': adminAddress.address,
      'admin.port': adminAddress.port,
    })
    if (settings.forwardedFor === 'append') log.warn(appendWarning)
    await new Promise<void>((ended) => {
      let signalled = false
      signals.onTerminate(() => {
        log.info(signalled ? 'ending at once' : 'draining')
        void (signalled ? sidecar.close() : sidecar.drain()).then(ended)
        signalled = true
      })
    })
    log.info('ended')
    await log.close()
    return 0
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error
    for (const line of error.lines) terminal.err(`error: ${line}\n`)
    return 2
  }
}

const appendWarning =
  '--forwarded-for append forwards the addresses that clients write into X-Forwarded-For, and many stores (including MinIO) trust the first one: use replace if access policies depend on addresses'

function bannerOf(settings: Settings, sidecar: Sidecar, colour: boolean): string {
  const { host } = settings.admin
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return banner(
    {
      version: programVersion(),
      store: storeOf(settings),
      rules: settings.rules,
      buckets: sidecar.ruleFiles,
      dialect: settings.dialect,
      data: endpointOf(settings, sidecar.dataAddress),
      console: `http://${name}:${sidecar.adminAddress.port}`,
    },
    colour,
  )
}

const ignore = (): void => {}
