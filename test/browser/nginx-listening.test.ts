import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { quietPort } from '../quiet-port.ts'
import { temporaryFolder } from '../rules/directory.ts'
import { nginxListening } from './nginx-listening.ts'

const program = (script: string) => {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
  onTestFinished(async () => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
  })
  return child
}

test('a program that ends before it listens is not waited for', async () => {
  const started = program('')
  await expect(nginxListening(started, quietPort(), `${await temporaryFolder()}/error.log`)).rejects.toThrow(
    'nginx has ended',
  )
})

test('a program that never listens is waited for only so long', async () => {
  const started = program('setInterval(() => {}, 1000)')
  await expect(
    nginxListening(started, quietPort(), `${await temporaryFolder()}/error.log`, 100),
  ).rejects.toThrow('nginx does not listen')
})
