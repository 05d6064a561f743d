import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { PlainResponse } from '../../src/http.ts'
import type { FinishedRequest } from '../../src/requests/finished-request.ts'
import { createGateway } from '../../src/sidecar/gateway.ts'
import { ruleFile, setup, snapshotOf } from '../core.ts'

test('an answer of the bucket CORS API that cannot be sent fails only its request', async () => {
  const failures: unknown[] = []
  const finished: FinishedRequest[] = []
  const unsendable: PlainResponse = { status: 200, headers: ['x-broken', 'a\nb'], body: '' }
  const answers: (PlainResponse | 'forward')[] = [unsendable, { ...unsendable, headers: [] }, 'forward']
  const gateway = createGateway({
    setup: { ...setup, bucketCorsApi: 'read' },
    rules: () => snapshotOf({ photos: ruleFile() }),
    forwarder: {
      forward() {
        throw new Error('no forwarding today')
      },
      close: async () => {},
    },
    answerBucketCors: async () => answers.shift() ?? 'forward',
    finished: (exchange) => finished.push(exchange),
    failed: (error) => failures.push(error),
  })
  const server = createServer(gateway).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const ask = () => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/photos/?cors`)

  await expect(ask()).rejects.toThrow()
  expect((await ask()).status).toBe(200)
  await expect(ask()).rejects.toThrow()
  expect(failures).toHaveLength(2)
  expect(finished).toHaveLength(1)
})
