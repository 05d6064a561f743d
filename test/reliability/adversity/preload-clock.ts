/** Loaded before the program: each message is by how many milliseconds its clock is wrong from now on. */

const TrueDate = Date
let shift = 0

class ShiftedDate extends TrueDate {
  constructor(...parts: readonly unknown[]) {
    super(...((parts.length === 0 ? [ShiftedDate.now()] : parts) as [number]))
  }

  static override now(): number {
    return TrueDate.now() + shift
  }
}

Object.assign(globalThis, { Date: ShiftedDate })

process.on('message', (message) => {
  shift = Number(message)
  process.send?.('shifted')
})
