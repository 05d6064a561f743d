/// <reference lib="dom" />
import type { StoreView } from '../shapes.ts'
import { ask } from './ask.ts'
import { ago, byId, h, setText, show, whole } from './dom.ts'

type ErrorType = NonNullable<StoreView['lastError']>['type']

const errorWords: Readonly<Record<ErrorType, string>> = {
  refused: 'connection refused',
  timeout: 'timed out',
  reset: 'connection closed without a response',
  truncated: 'response cut off',
  invalid: 'response is not valid HTTP',
  dns: 'name lookup failed',
  tls: 'TLS failed',
}

let latest: StoreView | undefined

/** A separate request, because a store that hangs delays its response. */
export async function refreshStore(): Promise<void> {
  latest = await ask<StoreView>('/-/store')
  showStore()
}

/** Also called between two responses, to update the times. */
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
          `The store ${address} has been unreachable since ${clock(since)}${why}.${count} Check that the store is running, and check the setting `,
          h('code', { class: 'setting' }, '--upstream'),
          '.',
        ]),
  )
}

function stateText({ state, since, lastError }: StoreView): string {
  const now = Date.now()
  if (state === 'unknown') return 'Not contacted yet'
  if (state === 'unreachable')
    return `Unreachable since ${clock(since)}${lastError === undefined ? '' : ` (${errorWords[lastError.type]})`}`
  const last =
    lastError === undefined ? '' : `; last error ${ago(lastError.time, now)}: ${errorWords[lastError.type]}`
  return `Reachable since ${clock(since)}${last}`
}

/** The time, with the date unless it is today. */
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
