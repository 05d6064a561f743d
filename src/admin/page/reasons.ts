/// <reference lib="dom" />
import type { DenialGroupView } from '../shapes.ts'
import { byId, h } from './dom.ts'
import { reasonWords } from './rates.ts'

/** A link to the paragraph of this page that says what a reason means. */
export function reasonLink(reason: DenialGroupView['reason']): HTMLElement {
  const link = h('a', { href: `#reason-${reason}` }, `What “${reasonWords[reason]}” means`)
  link.addEventListener('click', () => {
    // A closed element cannot be scrolled to.
    byId('reasons', HTMLDetailsElement).open = true
  })
  return link
}
