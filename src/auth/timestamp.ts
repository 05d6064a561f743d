/** Seconds since 1970 of `20250101T000000Z` (ISO 8601 basic format); `undefined` when it is not a valid time. */
export function readIsoBasic(text: string): number | undefined {
  const parts = /^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z$/.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second] = parts.map(Number)
  const milliseconds = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second)
  // Date.UTC turns 31 February into a day in March. Such a date is invalid.
  return isoBasic(milliseconds / 1000) === text ? milliseconds / 1000 : undefined
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Seconds since 1970 of an IMF-fixdate (RFC 9110 section 5.6.7). Ignores the day name. */
function readHttpDate(text: string): number | undefined {
  const parts =
    /^[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) GMT$/.exec(text)
  if (parts === null) return undefined
  const [, day = '', name = '', year = '', time = ''] = parts
  const month = String(months.indexOf(name) + 1).padStart(2, '0')
  return readIsoBasic(`${year}${month}${day}T${time.replaceAll(':', '')}Z`)
}

export function isoBasic(unixSeconds: number): string {
  return new Date(unixSeconds * 1000)
    .toISOString()
    .replace(/\.[0-9]{3}Z$/, 'Z')
    .replace(/[-:]/g, '')
}

/** Reads a Date header in either form that SDKs write. */
export const readDateHeader = (text: string): number | undefined => readIsoBasic(text) ?? readHttpDate(text)

/** ISO 8601, in whole seconds. */
export const isoTime = (unixSeconds: number): string =>
  new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z')
