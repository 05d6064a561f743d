import { createReadStream } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

/**
 * Resolves once a log holds this many lines; logs are written in the background. Rejects after `patience`
 * milliseconds, because a server that drops log lines under load would look cheap.
 */
export async function expectLines(file: string, least: number, patience = 10_000): Promise<void> {
  let lines = await countLines(file)
  for (const deadline = performance.now() + patience; lines < least; lines = await countLines(file)) {
    if (performance.now() > deadline) throw new Error(`${least - lines} of ${least} requests were not logged`)
    await wait(200)
  }
}

async function countLines(file: string): Promise<number> {
  let lines = 0
  for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) lines++
  return lines
}
