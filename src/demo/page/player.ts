/// <reference lib="dom" />
/** Plays the steps one after the other, with time to read the result of each. */

import { byId } from '../../admin/page/dom.ts'

/** A step, and the id of the title above it. */
export type Step = readonly [title: string, run: () => Promise<void>]

const calm = matchMedia('(prefers-reduced-motion: reduce)')
const pauseButton = byId('pause', HTMLButtonElement)
const stopButton = byId('stop', HTMLButtonElement)

let isPaused = false
let isStopped = false
/** Ends the current wait. */
let wake = (): void => {}

pauseButton.addEventListener('click', () => {
  isPaused = !isPaused
  pauseButton.textContent = isPaused ? 'Continue' : 'Pause'
  wake()
})
stopButton.addEventListener('click', () => {
  isStopped = true
  byId('player').hidden = true
  wake()
})

export async function play(steps: readonly Step[]): Promise<void> {
  isPaused = false
  isStopped = false
  pauseButton.hidden = false
  pauseButton.textContent = 'Pause'
  stopButton.textContent = 'Stop'
  byId('player').hidden = false
  for (const [index, [title, run]] of steps.entries()) {
    const section = byId(title).closest('section')
    say(`Step ${index + 1} of ${steps.length}: ${byId(title).lastChild?.textContent?.trim() ?? ''}`)
    byId('player').ariaBusy = 'true'
    await run()
    byId('player').ariaBusy = 'false'
    section?.scrollIntoView({ behavior: calm.matches ? 'auto' : 'smooth', block: 'nearest' })
    if (index < steps.length - 1) await wait(readingTime(section?.innerText ?? ''))
    if (isStopped) return say('Stopped.')
  }
  say('Done. The end of this page lists all requests.')
  pauseButton.hidden = true
  stopButton.textContent = 'Close'
}

function say(words: string): void {
  byId('player-status').textContent = words
  byId('play-status').textContent = words
}

/** In milliseconds: four words a second, from 5 to 20 seconds. */
const readingTime = (text: string): number =>
  Math.min(20_000, Math.max(5_000, text.split(/\s+/).length * 250))

async function wait(milliseconds: number): Promise<void> {
  let left = milliseconds
  while (!isStopped && left > 0) {
    const began = performance.now()
    const wasPaused = isPaused
    await new Promise<void>((resolve) => {
      const timer = wasPaused ? undefined : setTimeout(resolve, left)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    if (!wasPaused) left -= performance.now() - began
  }
}
