/** Gives every button its step, and plays them all. */
export const mainScript = `import { byId } from './dom.js'
import {
  applyProposal,
  openRules,
  restore,
  save,
  saveAndSend,
  sendRefused,
  showProposal,
} from './refusals.js'
import { here, setup } from './requests.js'
import { askDirectly, readBack, upload } from './transfers.js'

const calm = matchMedia('(prefers-reduced-motion: reduce)')

/** Time to see where the page has moved to. */
const pause = () => new Promise((resolve) => setTimeout(resolve, calm.matches ? 0 : 600))

async function play() {
  for (const [bucket, example] of Object.entries(setup.examples)) await save(bucket, example)
  for (const [title, step] of [
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
  ]) {
    byId('play-status').textContent = 'Step ' + byId(title).textContent + ' …'
    await step()
    byId(title).scrollIntoView({ behavior: calm.matches ? 'auto' : 'smooth' })
    await pause()
  }
  byId('play-status').textContent = 'Done. All that was sent is listed at the end of this page.'
}

/** Runs one step at a time, and says so when the demo itself has stopped. */
function onAction(id, event, step) {
  byId(id).addEventListener(event, async (happening) => {
    happening.preventDefault()
    const buttons = [...document.querySelectorAll('button')]
    const disabled = buttons.map((button) => button.disabled)
    const focused = document.activeElement
    for (const button of buttons) button.disabled = true
    try {
      await step()
    } catch (error) {
      byId('play-status').textContent = 'The demo did not answer: ' + String(error)
    } finally {
      buttons.forEach((button, index) => {
        button.disabled = disabled[index]
      })
      showProposal()
      // A button that was disabled for a moment has lost the focus of whoever uses the keyboard.
      focused?.focus({ preventScroll: true })
    }
  })
}

byId('upload-file').addEventListener('change', ({ target }) => {
  const tooLarge = (target.files[0]?.size ?? 0) > setup.maxObjectBytes
  target.setCustomValidity(
    tooLarge ? 'The store of this demo takes files of up to ' + setup.maxObjectBytes / 1048576 + ' MiB.' : '',
  )
})
byId('page-origin').textContent = here
byId('sidecar-origin').textContent = setup.sidecarOrigin
byId('store-origin').textContent = setup.storeOrigin
byId('dialect').textContent = setup.dialect
byId('rules-folder').textContent = setup.rulesFolder
byId('admin-link').href = setup.adminOrigin + '/'
byId('metrics-link').href = setup.adminOrigin + '/metrics'
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
`
