/** Thousands of clients that read nothing, in a cgroup with the memory limit of the shipped manifests. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request as startRequest } from 'node:http'
import { request as startTlsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exchange } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { createControlGroup } from './control-group.ts'
import { startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, object, startHttpStore } from './store.ts'

interface Options {
  readonly count: number
}

/** As in deploy/components/native-sidecar/sidecar.yaml. */
const limitMegabytes = 384
const heapMegabytes = 192

/** New clients may be refused until earlier ones count as stalled. */
const mostRefusedMilliseconds = 10_000
const watchedMilliseconds = 20_000
/** Generous, because a slow response on a busy machine is not a failure. */
const patience = 15_000

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const tlsFlags = ['--tls-cert', fixture('localhost.pem'), '--tls-key', fixture('localhost.key')]

const large = Buffer.alloc(16 * 1024 * 1024)
const request = 'GET /bucket/large HTTP/1.1\r\nHost: store\r\n\r\n'

export const stalledReaders = ({ count }: Options): Promise<Measured> => stall(count, false)
export const stalledReadersOverTls = ({ count }: Options): Promise<Measured> => stall(count, true)

function stall(count: number, secure: boolean): Promise<Measured> {
  return withRules(async (rules) => {
    const group = await createControlGroup(limitMegabytes * 2 ** 20)
    const store = await startHttpStore((incoming, response) => {
      if (incoming.url?.endsWith('/large') === true) response.end(large)
      else answerWithObject(incoming, response)
    })
    const sidecar = await startSidecar({
      upstream: store.url,
      rules,
      flags: secure ? tlsFlags : [],
      nodeFlags: [`--max-old-space-size=${heapMegabytes}`],
      openFiles: 20_000,
      controlGroup: group.folder,
    })
    let attackers: ChildProcess | undefined
    try {
      const url = `${secure ? 'https' : 'http'}://127.0.0.1:${sidecar.dataPort}/bucket/object`
      const seen = whileWatched(url)
      attackers = startReaders(sidecar.dataPort, count, secure)
      const { served, refused, broken, lastFailure } = await seen
      const peak = await group.peakMegabytes()
      const kills = await group.kills()
      const health = await exchange(`${sidecar.admin}/healthz`).then(
        ({ status }) => status,
        () => 0,
      )
      return {
        measured: `${count} readers${secure ? ' over TLS' : ''} in ${limitMegabytes} MiB: ${peak.toFixed(0)} MB at most, ${kills} kills; of ${served + refused + broken} normal requests meanwhile ${served} were served, ${refused} got 503, ${broken} were aborted, the last of those after ${(lastFailure / 1000).toFixed(1)} s; health check ${health}`,
        held:
          sidecar.isAlive() &&
          kills === 0 &&
          health === 200 &&
          served > 0 &&
          lastFailure <= mostRefusedMilliseconds,
      }
    } finally {
      attackers?.kill('SIGKILL')
      await sidecar.end()
      await store.close()
      await group.remove()
    }
  })
}

/** A separate process, because holding so many connections must not delay the ordinary requests. */
function startReaders(port: number, count: number, secure: boolean): ChildProcess {
  return spawn(process.execPath, ['-e', readers, String(port), String(count), String(secure)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Each sends its request and never reads. */
const readers = `const [port, count, secure] = process.argv.slice(1).map((word) => JSON.parse(word))
  const { connect } = require(secure ? 'node:tls' : 'node:net')
  const open = () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    socket.on('error', () => {}).once(secure ? 'secureConnect' : 'connect', () => {
      socket.pause()
      socket.write(${JSON.stringify(request)})
    })
  }
  let opened = 0
  const timer = setInterval(() => {
    for (let i = 0; i < 25 && opened < count; i++, opened++) open()
    if (opened === count) clearInterval(timer)
  }, 25)`

/** Ordinary requests, one after the other on new connections, and when the last one failed. */
async function whileWatched(url: string) {
  let [served, refused, broken, lastFailure] = [0, 0, 0, 0]
  const started = performance.now()
  for (let elapsed = 0; elapsed < watchedMilliseconds; elapsed = performance.now() - started) {
    const status = await statusOf(url).catch(() => 0)
    if (status === 200) served++
    else if (status === 503) refused++
    else broken++
    if (status !== 200) lastFailure = performance.now() - started
    await wait(20)
  }
  return { served, refused, broken, lastFailure }
}

/** The status of an ordinary request; 0 for a 200 with the wrong body. */
async function statusOf(url: string): Promise<number> {
  const asked = url.startsWith('https:')
    ? startTlsRequest(url, { agent: false, rejectUnauthorized: false })
    : startRequest(url, { agent: false })
  const [response]: IncomingMessage[] = await once(
    asked.setTimeout(patience, () => asked.destroy()).end(),
    'response',
  )
  if (response === undefined) return 0
  const body = await text(response)
  return response.statusCode === 200 && body !== object ? 0 : (response.statusCode ?? 0)
}
