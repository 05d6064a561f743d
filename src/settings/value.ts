import { quotedAscii } from '../text/visible.ts'
/** The types of settings: how each is parsed from text and printed. */

/** A parsed value, or what is wrong with the text and what to write instead. */
export type Reading<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'defect'; readonly defect: string }

/** Parses and prints one type of setting. `read(show(value))` yields `value`, except for an unset (`undefined`) value. */
export interface ValueKind<T> {
  read(text: string): Reading<T>
  show(value: T): string
  /** The text is a path, relative to the working directory. */
  readonly isPath?: true
}

export const value = <T>(read: T): Reading<T> => ({ kind: 'value', value: read })
export const defect = (words: string): { kind: 'defect'; defect: string } => ({
  kind: 'defect',
  defect: words,
})

/** Escaped, so that a message cannot control a terminal or a log. */
export const quote = (text: string): string => quotedAscii(text, 120)

/** One of a fixed list of lower-case words, accepted in any case. */
export function choice<T extends string>(words: readonly T[]): ValueKind<T> {
  return {
    read(text) {
      const word = words.find((candidate) => candidate === text.toLowerCase())
      return word === undefined
        ? defect(`${quote(text)} is not one of its values: write ${or(words)}`)
        : value(word)
    },
    show: (word) => word,
  }
}

/** A choice with no default. */
export function optionalChoice<T extends string>(words: readonly T[]): ValueKind<T | undefined> {
  return { read: choice(words).read, show: (word) => word ?? '' }
}

/** `on` and `off` are also accepted, because YAML 1.1 parsers read them as booleans. */
export const yesOrNo: ValueKind<boolean> = {
  read(text) {
    if (text === 'true' || text === 'on') return value(true)
    if (text === 'false' || text === 'off') return value(false)
    return defect(`${quote(text)} is neither true nor false: write true or false`)
  },
  show: String,
}

/** A file or directory, relative to the working directory of the process. */
export const path: ValueKind<string> = { read: value, show: (text) => text, isPath: true }

/** A path that may be unset. */
export const optionalPath: ValueKind<string | undefined> = {
  read: value,
  show: (text) => text ?? '',
  isPath: true,
}

export function count(least: number, most: number): ValueKind<number> {
  const range = `write a whole number from ${least} to ${most}`
  return {
    read(text) {
      if (!/^[0-9]{1,9}$/.test(text)) return defect(`${quote(text)} is not a whole number: ${range}`)
      const number = Number(text)
      return number < least || number > most ? defect(`${number} is out of range: ${range}`) : value(number)
    },
    show: String,
  }
}

const milliseconds: readonly (readonly [unit: string, factor: number])[] = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/**
 * A duration in milliseconds, written `500ms`, `15s`, `2m`, `1h`. Rejects a number without a unit, because half of
 * its readers would take it for seconds and half for milliseconds. Only `0` needs no unit.
 */
export function duration(least: number, most: number): ValueKind<number> {
  return {
    read(text) {
      const parts = /^([0-9]{1,12})(ms|s|m|h)?$/.exec(text)
      if (parts === null)
        return defect(
          `${quote(text)} is not a duration: write a whole number with its unit, such as 500ms, 15s, 2m or 1h`,
        )
      const [, digits = '', unit] = parts
      const number = Number(digits)
      if (unit === undefined && number !== 0)
        return defect(
          `${quote(text)} has no unit: write ${number}s for seconds or ${number}ms for milliseconds`,
        )
      const length = number * (milliseconds.find(([name]) => name === unit)?.[1] ?? 1)
      return length < least || length > most
        ? defect(
            `${quote(text)} is out of range: write ${showScaled(least, milliseconds)} to ${showScaled(most, milliseconds)}`,
          )
        : value(length)
    },
    // In seconds where possible, because other programs give their timeouts in seconds.
    show: (length) =>
      length % 1000 === 0 && length > 0 && length < 600_000
        ? `${length / 1000}s`
        : showScaled(length, milliseconds),
  }
}

const byteUnits: readonly (readonly [unit: string, factor: number])[] = [
  ['MiB', 1_048_576],
  ['KiB', 1024],
  ['', 1],
]

/** A number of bytes, written `16384`, `16KiB` or `1MiB`. */
export function size(least: number, most: number): ValueKind<number> {
  return {
    read(text) {
      const parts = /^([0-9]{1,12})(KiB|MiB)?$/.exec(text)
      if (parts === null)
        return defect(`${quote(text)} is not a size: write bytes, KiB or MiB, such as 16384, 16KiB or 1MiB`)
      const [, digits = '', unit = ''] = parts
      const bytes = Number(digits) * (byteUnits.find(([name]) => name === unit)?.[1] ?? 1)
      return bytes < least || bytes > most
        ? defect(
            `${quote(text)} is out of range: write ${showScaled(least, byteUnits)} to ${showScaled(most, byteUnits)}`,
          )
        : value(bytes)
    },
    show: (bytes) => showScaled(bytes, byteUnits),
  }
}

/** `amount` in the largest unit that divides it; 0 has no unit. */
function showScaled(amount: number, units: readonly (readonly [unit: string, factor: number])[]): string {
  if (amount === 0) return '0'
  const [unit, factor] = units.find(([, size]) => amount % size === 0) ?? ['', 1]
  return `${amount / factor}${unit}`
}

function or(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
