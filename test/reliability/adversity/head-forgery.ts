/** A store that sends a body to HEAD, and an uploader who exploits that. */

import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { exchange } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { startSidecar, withRules } from './sidecar.ts'
import { object, startRawStore } from './store.ts'

interface Options {
  /** Seconds. */
  readonly count: number
}

/** What the uploader stored: complete responses, one after the other. */
const forgery = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Forged: 1\r\n\r\nEVIL!'.repeat(4_000)

function serve(socket: Socket): void {
  let text = ''
  socket.setNoDelay(true).on('data', (bytes) => {
    text += bytes.toString('latin1')
    const heads = text.split('\r\n\r\n')
    text = heads.pop() ?? ''
    for (const head of heads)
      if (!head.includes('/forged '))
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${object.length}\r\n\r\n${object}`)
      else {
        socket.write(`HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: ${forgery.length}\r\n\r\n`)
        // As if read from a disk: by then another request may be running on the connection.
        setTimeout(() => socket.write(forgery), 4 * Math.random())
      }
  })
}

/** Two clients send HEAD, four others read and delete their own objects, over both HTTP clients of the sidecar. */
export function forgedHeads({ count }: Options): Promise<Measured> {
  return withRules(async (rules) => {
    const store = await startRawStore(serve)
    const sidecar = await startSidecar({ upstream: store.url, rules })
    let stopped = false
    const seen = { heads: 0, whole: 0, forged: 0, failed: 0 }
    const agents: Agent[] = []
    const repeat = async (act: (agent: Agent) => Promise<void>): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      agents.push(agent)
      while (!stopped) await act(agent)
    }
    // No body and an empty body go over different HTTP clients.
    const bodies = [{}, { headers: { 'Content-Length': '0' } }]
    const attackers = bodies.map((sent) =>
      repeat(async (agent) => {
        await exchange(`${sidecar.data}/bucket/forged`, { method: 'HEAD', agent, ...sent }).catch(() => {})
        seen.heads++
        await wait(5)
      }),
    )
    const victims = ['GET', 'GET', 'DELETE', 'DELETE'].map((method) =>
      repeat(async (agent) => {
        const answer = await exchange(`${sidecar.data}/bucket/victim`, { method, agent }).catch(
          () => undefined,
        )
        if (answer === undefined || answer.status !== 200) seen.failed++
        else if (answer.body.toString() === object && answer.headers['x-forged'] === undefined) seen.whole++
        else seen.forged++
      }),
    )
    try {
      await wait(count * 1_000)
      stopped = true
      await Promise.all([...attackers, ...victims])
      const { heads, whole, forged, failed } = seen
      return {
        measured: `${heads} HEADs that were answered with a body, ${whole + forged + failed} requests of other clients: ${forged} got the forged answer, ${failed} failed`,
        held: heads > 0 && whole > 0 && forged === 0 && failed === 0 && sidecar.isAlive(),
      }
    } finally {
      stopped = true
      for (const agent of agents) agent.destroy()
      await sidecar.end()
      await store.close()
    }
  })
}
