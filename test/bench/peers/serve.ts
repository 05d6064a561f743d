import type { Server } from 'node:http'

/** Listens on a free port of 127.0.0.1 and prints it for the parent process. */
export function serveOnFreePort(server: Server): void {
  server.listen(0, '127.0.0.1', () => printPort(server.address()))
}

export function printPort(address: ReturnType<Server['address']>): void {
  if (typeof address === 'object' && address !== null) console.log(address.port)
}
