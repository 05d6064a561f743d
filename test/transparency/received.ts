/** A request as the store received it. Text holds one byte per character, as in Node's header lines. */
export interface Received {
  readonly method: string
  readonly target: string
  /** Name, value, name, value … as sent. */
  readonly headers: readonly string[]
  readonly trailers: readonly string[]
  readonly body: Buffer
}

/** The values of the header `name` (lower case), one per line. */
export function headerValues({ headers }: Received, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]?.toLowerCase() === name) values.push(headers[i + 1] ?? '')
  return values
}

/** The only value of the header `name`; `undefined` when there is none. */
export const headerValue = (received: Received, name: string): string | undefined =>
  headerValues(received, name)[0]

export const pathOf = ({ target }: Received): string => target.replace(/\?.*$/s, '')

/** The query's parameters in order, percent-decoded and read as UTF-8. */
export function parametersOf({ target }: Received): [string, string][] {
  const mark = target.indexOf('?')
  if (mark < 0) return []
  const fields = target
    .slice(mark + 1)
    .split('&')
    .filter((field) => field !== '')
  return fields.map((field) => {
    const equals = field.indexOf('=')
    return equals < 0
      ? [decodeURIComponent(field), '']
      : [decodeURIComponent(field.slice(0, equals)), decodeURIComponent(field.slice(equals + 1))]
  })
}

/** Reads Latin-1 text as UTF-8 bytes. */
export const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')
