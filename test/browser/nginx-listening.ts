import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Resolves when `nginx` listens on `port`. Rejects with what is in `errorLog` when it has ended, or has not listened
 * for `patience` milliseconds.
 */
export async function nginxListening(
  nginx: ChildProcess,
  port: number,
  errorLog: string,
  patience = 5_000,
): Promise<void> {
  const started = performance.now()
  while (!(await accepts(port))) {
    const isOver = nginx.exitCode !== null || nginx.signalCode !== null
    if (isOver || performance.now() - started > patience) {
      const log = await readFile(errorLog, 'utf8').catch(() => '')
      throw new Error(`nginx ${isOver ? 'has ended' : 'does not listen'}: ${log}`)
    }
    await pause(20)
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    }).on('error', () => resolve(false))
  })
