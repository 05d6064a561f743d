/// <reference lib="dom" />
/** Gives every button its step, and plays them all. */

import { byId } from './dom.ts'
import {
  applyProposal,
  openRules,
  restore,
  save,
  saveAndSend,
  sendRefused,
  showProposal,
} from './refusals.ts'
import { here, setup } from './requests.ts'
import { askDirectly, readBack, upload } from './transfers.ts'

const calm = matchMedia('(prefers-reduced-motion: reduce)')

/** Time to see where the page has moved to. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, calm.matches ? 0 : 600))

const steps: readonly (readonly [title: string, step: () => Promise<void>])[] = [
  ['title-1', askDirectly],
  ['title-2', upload],
  ['title-3', readBack],
  [
    'title-4',
    async () => {
      await openRules()
      await sendRefused()
    },
  ],
  [
    'title-5',
    async () => {
      applyProposal()
      await saveAndSend()
    },
  ],
]

async function play(): Promise<void> {
  await save('photos', setup.examples.photos)
  await save('reports', setup.examples.reports)
  for (const [title, step] of steps) {
    byId('play-status').textContent = `Step ${byId(title).textContent} …`
    await step()
    byId(title).scrollIntoView({ behavior: calm.matches ? 'auto' : 'smooth' })
    await pause()
  }
  byId('play-status').textContent = 'Done. All that was sent is listed at the end of this page.'
}

/** Runs one step at a time, and says so when the demo itself has stopped. */
function onAction(id: string, event: string, step: () => void | Promise<void>): void {
  byId(id).addEventListener(event, async (happening) => {
    happening.preventDefault()
    const buttons = [...document.querySelectorAll('button')]
    const disabled = buttons.map((button) => button.disabled)
    const focused = document.activeElement
    for (const button of buttons) button.disabled = true
    try {
      await step()
    } catch (error) {
      byId('play-status').textContent = `The demo did not answer: ${error}`
    } finally {
      buttons.forEach((button, index) => {
        button.disabled = disabled[index] ?? false
      })
      showProposal()
      // A button that was disabled for a moment has lost the focus of whoever uses the keyboard.
      if (focused instanceof HTMLElement) focused.focus({ preventScroll: true })
    }
  })
}

const file = byId('upload-file', HTMLInputElement)
file.addEventListener('change', () => {
  const tooLarge = (file.files?.[0]?.size ?? 0) > setup.maxObjectBytes
  const mebibytes = setup.maxObjectBytes / 1048576
  file.setCustomValidity(tooLarge ? `The store of this demo takes files of up to ${mebibytes} MiB.` : '')
})
byId('page-origin').textContent = here
byId('sidecar-origin').textContent = setup.sidecarOrigin
byId('store-origin').textContent = setup.storeOrigin
byId('dialect').textContent = setup.dialect
byId('rules-folder').textContent = setup.rulesFolder
byId('admin-link', HTMLAnchorElement).href = `${setup.adminOrigin}/`
byId('metrics-link', HTMLAnchorElement).href = `${setup.adminOrigin}/metrics`
onAction('direct', 'click', askDirectly)
onAction('upload', 'submit', upload)
onAction('read', 'click', readBack)
onAction('refused', 'submit', sendRefused)
onAction('refused', 'change', openRules)
onAction('allow', 'click', applyProposal)
onAction('editor', 'submit', saveAndSend)
onAction('restore', 'click', restore)
onAction('play', 'click', play)
await openRules()
document.documentElement.dataset.ready = 'yes'
