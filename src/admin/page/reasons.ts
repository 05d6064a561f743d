/// <reference lib="dom" />
import type { DenialGroupView } from '../shapes.ts'
import { byId, h } from './dom.ts'
import { reasonWords } from './rates.ts'

export function reasonLink(reason: DenialGroupView['reason']): HTMLElement {
  const link = h('a', { href: `#reason-${reason}` }, `What “${reasonWords[reason]}” means`)
  link.addEventListener('click', () => {
    // The browser cannot scroll to an element in closed details.
    byId('reasons', HTMLDetailsElement).open = true
  })
  return link
}
