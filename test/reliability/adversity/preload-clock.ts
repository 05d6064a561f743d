/** Loaded before the program. Each message sets the clock's error in milliseconds. */

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
