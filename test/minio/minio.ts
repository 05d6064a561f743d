import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { request as startRequest } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { openLocalPort } from '../../src/demo/local-port.ts'

/** `MINIO_PATH`, or the `minio` on the PATH. */
export const minioPath = process.env.MINIO_PATH || 'minio'

export const hasMinio = (): boolean => spawnSync(minioPath, ['--version']).status === 0

export const accessKeyId = 'cors-sidecar-test'
export const secretAccessKey = 'not-a-secret-not-a-secret'

/** A single-node MinIO with an empty folder of its own. */
export interface Minio {
  readonly url: string
  /** Kills it, like a lost node. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder. Resolves when it serves. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Resolves when MinIO serves. `environment`: additional settings. */
export async function startMinio(
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Minio> {
  const { port, close: release } = await openLocalPort(0)
  await release()
  const address = `127.0.0.1:${port}`
  const url = `http://${address}`
  let running: { readonly child: ChildProcess; readonly ended: Promise<unknown> } | undefined
  const kill = async (): Promise<void> => {
    running?.child.kill('SIGKILL')
    await running?.ended
    running = undefined
  }
  const start = async (): Promise<void> => {
    const args = ['server', folder, '--address', address, '--console-address', '127.0.0.1:0', '--quiet']
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      MINIO_CI_CD: '1',
      ...environment,
    }
    const child = spawn(minioPath, args, { stdio: 'ignore', env })
    running = { child, ended: once(child, 'exit') }
    for (let attempt = 0; !(await isServing(url)); attempt++) {
      if (child.exitCode !== null || attempt === 300) throw new Error('MinIO does not serve.')
      await pause(100)
    }
  }
  await start()
  return { url, kill, start, close: kill }
}

function isServing(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = startRequest(`${url}/minio/health/cluster`, { agent: false, timeout: 2000 })
    request.on('error', () => resolve(false))
    request.on('timeout', () => request.destroy())
    request.on('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.end()
  })
}
