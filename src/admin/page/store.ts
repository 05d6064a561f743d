/// <reference lib="dom" />
import type { StoreView } from '../shapes.ts'
import { ask } from './ask.ts'
import { ago, byId, h, setText, show, whole } from './dom.ts'

type ErrorType = NonNullable<StoreView['lastError']>['type']

const errorWords: Readonly<Record<ErrorType, string>> = {
  refused: 'connection refused',
  timeout: 'no answer in time',
  reset: 'connection closed without an answer',
  truncated: 'answer cut short',
  invalid: 'answer is not valid HTTP',
  dns: 'name not resolved',
  tls: 'TLS failed',
}

let latest: StoreView | undefined

/** Asks whether the store answers. A store that hangs delays this answer alone. */
export async function refreshStore(): Promise<void> {
  latest = await ask<StoreView>('/-/store')
  showStore()
}

/** Also called between two answers, because the times go on. */
export function showStore(): void {
  if (latest === undefined) return
  const { address, state, since, lastError, failed } = latest
  setText('store-address', address)
  setText('store-state', stateText(latest))
  const tile = byId('store-tile', HTMLElement)
  tile.classList.toggle('bad', state === 'unreachable')
  const alarm = byId('store-alarm', HTMLElement)
  alarm.hidden = state !== 'unreachable'
  const why = lastError === undefined ? '' : `: ${errorWords[lastError.type]}`
  const count =
    failed === 0 ? '' : ` ${whole(failed)} ${failed === 1 ? 'request has' : 'requests have'} failed.`
  show(
    alarm,
    ...(alarm.hidden
      ? []
      : [
          `The store ${address} cannot be reached since ${clock(since)}${why}.${count} Check that it runs, and the setting `,
          h('code', { class: 'setting' }, '--upstream'),
          '.',
        ]),
  )
}

function stateText({ state, since, lastError }: StoreView): string {
  const now = Date.now()
  if (state === 'unknown') return 'Not asked yet'
  if (state === 'unreachable')
    return `Unreachable since ${clock(since)}${lastError === undefined ? '' : ` (${errorWords[lastError.type]})`}`
  const last =
    lastError === undefined ? '' : `; last error ${ago(lastError.time, now)}: ${errorWords[lastError.type]}`
  return `Answers since ${clock(since)}${last}`
}

/** The time, with the day where it was another one. */
export function clock(time: string): string {
  const moment = new Date(time)
  const isToday = moment.toDateString() === new Date().toDateString()
  return moment.toLocaleString('en-GB', {
    ...(isToday ? {} : { day: 'numeric', month: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
}
