/** Loaded before the program. Lookups of `*.invalid` follow the last message: `resolve`, `fail` or `hang`. */

import dns from 'node:dns'
import { setImmediate } from 'node:timers'

let mode: unknown = 'fail'
let asked = 0

process.on('message', (message) => {
  mode = message
  process.send?.(String(asked))
})

type Done = (error: Error | null, addresses?: readonly { address: string; family: number }[]) => void

const lookupByTheSystem = dns.lookup

function lookup(name: string, options: unknown, done: Done): void {
  if (!name.endsWith('.invalid')) {
    Reflect.apply(lookupByTheSystem, dns, [name, options, done])
    return
  }
  asked++
  if (mode === 'hang') return
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND'), {
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
  })
  setImmediate(() => (mode === 'fail' ? done(error) : done(null, [{ address: '127.0.0.1', family: 4 }])))
}

Object.assign(dns, { lookup })
