import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SignedRequest } from '../../src/auth/request-parts.ts'

/** A request as received, byte for byte. */
export interface Captured {
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** A loopback server that keeps the last request and answers like a bucket without rules. */
export async function startCapture() {
  let last: Captured | undefined
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      last = {
        method: request.method ?? '',
        target: request.url ?? '',
        headers: request.rawHeaders,
        body: Buffer.concat(chunks),
      }
      const body = request.method === 'GET' ? '<CORSConfiguration></CORSConfiguration>' : ''
      response.writeHead(request.method === 'DELETE' ? 204 : 200, { 'Content-Type': 'application/xml' })
      response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    /** The request that `send` makes. */
    async take(send: () => Promise<unknown>): Promise<Captured> {
      last = undefined
      await send()
      if (last === undefined) throw new Error('no request arrived')
      return last
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The verifier's input for a captured call of the bucket CORS API. */
export function signedRequest(captured: Captured, bucket: string, byHost: boolean): SignedRequest {
  return {
    method: captured.method,
    target: captured.target,
    headers: captured.headers,
    bucket,
    byHost,
    operation: 'cors',
    hasBody: captured.body.length > 0,
    bodySha256: undefined,
  }
}
