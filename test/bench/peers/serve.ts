import type { Server } from 'node:http'
import pino from 'pino'

/** Listens on a free port of 127.0.0.1 and prints it for the parent process. */
export function serveOnFreePort(server: Server): void {
  server.listen(0, '127.0.0.1', () => printPort(server.address()))
}

export function printPort(address: ReturnType<Server['address']>): void {
  if (typeof address === 'object' && address !== null) console.log(address.port)
}

/** A log file at pino's lowest cost: written in the background, 64 KB at a time, and at least twice a second. */
export function logFile(file: string): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest: file, sync: false, minLength: 65_536, maxWrite: 131_072 })
  setInterval(() => destination.flush(), 500).unref()
  return destination
}
