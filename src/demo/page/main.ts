/// <reference lib="dom" />
/** Connects the buttons to their steps, and plays all steps. */

import { byId, h } from '../../admin/page/dom.ts'
import { play, type Step } from './player.ts'
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

/** Interval of the check that the demo still runs, in milliseconds. */
const heartbeat = 3000

const steps: readonly Step[] = [
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

async function playAll(): Promise<void> {
  await save('photos', setup.examples.photos)
  await save('reports', setup.examples.reports)
  await play(steps)
}

/** Runs one step at a time. Shows an error in `place`, beside the button. */
function onAction(id: string, event: string, place: string, step: () => void | Promise<void>): void {
  byId(id).addEventListener(event, async (fired) => {
    fired.preventDefault()
    const buttons = [...document.querySelectorAll('button')].filter(
      (button) => button.closest('.player') === null,
    )
    const disabled = buttons.map((button) => button.disabled)
    const focused = document.activeElement
    for (const button of buttons) button.disabled = true
    try {
      await step()
    } catch (error) {
      const isDown = await hasStopped()
      const words = isDown ? stopped : `This step failed: ${error}`
      byId(place).replaceChildren(h('p', { class: 'alarm', role: 'alert' }, words))
      byId('player').hidden = true
    } finally {
      buttons.forEach((button, index) => {
        button.disabled = disabled[index] ?? false
      })
      showProposal()
      // Disabling a button takes the focus away from it.
      if (focused instanceof HTMLElement) focused.focus({ preventScroll: true })
    }
  })
}

const stopped = 'The demo has stopped. Start it again, then open the address that it prints.'

async function hasStopped(): Promise<boolean> {
  const isDown = await fetch('/setup', { method: 'HEAD' }).then(
    () => false,
    () => true,
  )
  byId('down').hidden = !isDown
  byId('down').textContent = isDown ? stopped : ''
  return isDown
}

const file = byId('upload-file', HTMLInputElement)
file.addEventListener('change', () => {
  const tooLarge = (file.files?.[0]?.size ?? 0) > setup.maxObjectBytes
  const mebibytes = setup.maxObjectBytes / 1048576
  file.setCustomValidity(tooLarge ? `The store of this demo accepts files up to ${mebibytes} MiB.` : '')
})
byId('page-origin').textContent = here
byId('sidecar-origin').textContent = setup.sidecarOrigin
byId('store-origin').textContent = setup.storeOrigin
byId('dialect').textContent = setup.dialect
byId('rules-folder').textContent = setup.rulesFolder
byId('admin-link', HTMLAnchorElement).href = `${setup.adminOrigin}/`
byId('metrics-link', HTMLAnchorElement).href = `${setup.adminOrigin}/metrics`
onAction('direct', 'click', 'direct-result', askDirectly)
onAction('upload', 'submit', 'upload-result', upload)
onAction('read', 'click', 'read-result', readBack)
onAction('refused', 'submit', 'refused-result', sendRefused)
onAction('refused', 'change', 'refused-result', openRules)
onAction('allow', 'click', 'editor-result', applyProposal)
onAction('editor', 'submit', 'editor-result', saveAndSend)
onAction('restore', 'click', 'editor-result', restore)
onAction('play', 'click', 'play-status', playAll)
setInterval(() => void hasStopped(), heartbeat)
await openRules()
document.documentElement.dataset.ready = 'yes'
